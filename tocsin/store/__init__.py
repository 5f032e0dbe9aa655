"""Where things are kept: columns (ClickHouse) and state (SQL). Imports `model` and `kit` only.

`base.py` has the Protocols that other rooms see; `schema/` the numbered migrations of the columnar tables;
`columns/` the two ways to reach the engine; `state/` the transactional tables; `writer.py` the group commit.
"""
