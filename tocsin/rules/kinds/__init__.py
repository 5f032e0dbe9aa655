"""One module per kind of rule."""
