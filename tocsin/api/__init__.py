"""One module per dialect over HTTP; `auth.py` the roles; `errors.py` the one map from errors to statuses."""
