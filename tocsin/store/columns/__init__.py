"""The ClickHouse dialect. `embedded.py` (chDB) and `cluster.py` (HTTP) differ in how they connect and in table engines."""
