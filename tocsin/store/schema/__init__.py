"""The columnar tables: `tables.py` says what they hold, `migrations.py` how a data directory gets there, by number."""
