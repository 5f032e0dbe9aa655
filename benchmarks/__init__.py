"""Benchmarks: one command each, against the bare engine in the same run, so that figures are ratios."""
