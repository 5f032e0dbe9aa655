"""What senders push to us over HTTP."""
