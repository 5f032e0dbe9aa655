"""`settings.py` composes the rooms' settings; `wiring.py` names concrete classes; `lifecycle.py` runs it."""
