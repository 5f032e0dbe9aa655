"""What a responder needs beside the alert: evidence and runbooks."""
