"""Frozen values that the rooms hand to each other, and the error tree. Imports no other room."""
