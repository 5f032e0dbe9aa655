"""Languages that people ask in, strangers to each other; each is syntax, plan, evaluate. Imports `store` and below."""
