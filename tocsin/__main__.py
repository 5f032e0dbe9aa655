"""`python -m tocsin` is the `tocsin` command."""

from tocsin.cli.main import main

if __name__ == "__main__":
    main()
