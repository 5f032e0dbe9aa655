"""PromQL's aggregations, one family a module, each with its own table; `table.py` puts them together."""
