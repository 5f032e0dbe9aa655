"""Domain-free tools: clock, supervised tasks, backoff, units, YAML with positions. Imports no other room."""
