# Two commands: `make run` shows the main job, `make test` runs all that CI runs. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test setup lint types walls unit format docs clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tocsin needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/debian-packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[postgresql]' --group dev
	@touch $@

setup: $(VENV)/installed  ## Make the virtual environment

run: setup  ## Replay a recorded attack into a live server and leave it running
	$(BIN)/tocsin demo

test: setup  ## Everything CI runs: lint, types, walls, tests
	@deploy/debian-packages.sh chromium chromium-driver postgresql
	$(MAKE) --no-print-directory lint types walls unit

lint:  ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:  ## Types
	$(BIN)/mypy

walls:  ## Walls between rooms
	$(BIN)/lint-imports --no-cache

unit:  ## Tests
	$(BIN)/pytest

format:  ## Rewrite the code in its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## Write the generated reference pages anew
	$(BIN)/python -m tocsin.cli.reference_pages docs/reference

clean:  ## Remove what was set up
	rm -rf $(VENV) .mypy_cache .ruff_cache
