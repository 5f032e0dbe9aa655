"""Sigma: rules become predicates over a table's columns."""
