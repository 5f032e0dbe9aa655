"""The `tocsin` command: one module per subcommand, which parses, calls and prints."""
