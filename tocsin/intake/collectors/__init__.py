"""What we go and fetch: files as they grow."""
