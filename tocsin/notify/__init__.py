"""Destinations of notifications: one module each, its settings beside it, one line in `table.py`.

Imports `store` and below. A destination renders what `facts.py` gathered, at the richest `shrink.Detail` that its
limits allow, and sends it; `answers.py` says what the other side's answer means.
"""
