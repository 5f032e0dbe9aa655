"""The ClickHouse dialect. `embedded.py` (chDB) and `cluster.py` (HTTP) differ in connection and table engines."""
