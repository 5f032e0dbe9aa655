"""The content that ships with Tocsin, held against recordings of a real cluster."""
