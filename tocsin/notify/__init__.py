"""Destinations of notifications: one module each, its settings beside it, one line in `table.py`. Imports `store` and below."""
