"""PromQL's functions, one family a module, each with its own table; `table.py` puts them together."""
