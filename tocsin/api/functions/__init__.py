"""What can be asked of and done with a running Tocsin: plain functions, used by the HTTP routes and by the pages alike.

Each takes the `Services` and plain values, and returns plain values; errors are those of `model/errors.py`.
"""
