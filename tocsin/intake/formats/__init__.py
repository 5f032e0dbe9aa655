"""One file per wire format: the SQL that turns its lines into rows; `table.py` lists them."""
