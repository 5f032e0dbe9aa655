"""The search of the command line and the UI: `field:value` terms become a predicate."""
