"""UI pages; they read and act only through `api`'s functions."""
