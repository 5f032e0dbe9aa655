"""Detection: loads rules, evaluates them over committed batches, lints and tests them.

May import `query`, `store`, `model` and `kit`. A rule kind is one module in `kinds/` and one line in its table.
`detector.py` is the one evaluation that live detection, unit tests and backtests share: a function of
(rules, store, range of batches, time).
"""
