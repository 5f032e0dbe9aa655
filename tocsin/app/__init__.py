"""`settings.py` composes the rooms' settings; `wiring.py` alone names concrete classes; `lifecycle.py` starts and stops."""
