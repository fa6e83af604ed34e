# One command is the whole gate: `make test`. CI calls that one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
# What is imported is compiled once, and not by each process of each run, as the environment of a container may ask for.
unexport PYTHONDONTWRITEBYTECODE

# Two workers: the suite starts processes of its own.
PYTEST := $(BIN)/python -m pytest
PARALLEL := -n 2 --dist worksteal
# Named, so that these are collected without the thousands of others.
ALONE = $(shell grep -rl --include='test_*.py' 'mark\.alone' tests)

# The UI is built by Node into the package; who has no Node gets everything else.
NPM := $(shell command -v npm)
UI := src/toque/web/index.html
UI_STAMP := ui/node_modules/.complete
UI_SOURCES := $(shell find ui/src ui/public -type f) ui/index.html ui/vite.config.ts ui/tsconfig.json

.DEFAULT_GOAL := help
.PHONY: help setup ui demo demo-change demo-break demo-mend demo-stop demo-forget demo-flights test check unit vitest \
  browser lint lint-python lint-ui types types-python types-ui bench chaos soak dist fmt lock clean

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# uv takes 2 s of processor time where pip takes a minute, from the index that pip is told of; pip knows more ways.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps
INDEX = $${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}}

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Toque needs Python 3.11 or later: make setup PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^uv==' requirements/dev.txt)
	UV_DEFAULT_INDEX="$(INDEX)" $(UV) --requirement requirements/dev.txt || $(PIP) --requirement requirements/dev.txt
	$(UV) --no-build-isolation --editable .
	@touch $@

$(UI_STAMP): ui/package-lock.json ui/.npmrc
	@test -n "$(NPM)" || { echo "Toque's UI is built by Node 20.19 or later, with npm: install both"; exit 1; }
	npm --prefix ui ci --silent
	@touch $@

$(UI): $(UI_STAMP) $(UI_SOURCES)
	npm --prefix ui run --silent build -- --logLevel warn

ui: $(UI)  ## Build the web UI into the package

setup: $(STAMP) $(if $(NPM),$(UI))  ## Make .venv with Toque and everything its tests need, and the UI
	@test -n "$(NPM)" || echo "Without Node there is no web UI; everything else is there. make ui builds it"

demo: setup  ## Run the RevOps pipeline: a CRM and a database into a warehouse, through dbt, and back into the CRM
	$(BIN)/python examples/revops/demo.py

demo-change: setup  ## Change, delete and break records in the sources of the demo; then make demo again
	$(BIN)/python examples/revops/demo.py change

demo-break: setup  ## Break something that the pipeline must not let through; then make demo, which tells Slack
	$(BIN)/python examples/revops/demo.py break

demo-mend: setup  ## Put that right again
	$(BIN)/python examples/revops/demo.py mend

demo-stop:  ## End the systems that the demo left running; what they hold stays
	$(BIN)/python examples/revops/demo.py stop

demo-forget:  ## End them and remove what they hold: the next make demo is the first one again
	$(BIN)/python examples/revops/demo.py forget

demo-flights: setup  ## Run the flights pipeline: a year of real flights, one report
	$(BIN)/toque run examples/flights/flights.py

check: setup lint types unit  ## Lint, types, layers, structure and unit tests: under 90 seconds

lint: lint-python lint-ui

lint-python: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

lint-ui: $(UI_STAMP)
	npm --prefix ui run --silent lint

types: types-python types-ui

types-python: $(STAMP)
	$(BIN)/mypy

types-ui: $(UI_STAMP)
	npm --prefix ui run --silent types

vitest: $(UI_STAMP)
	npm --prefix ui run --silent test

unit: setup vitest
	$(PYTEST) $(PARALLEL) tests/unit tests/structure

# In a process of its own: its driver keeps an event loop running, beside which no asynchronous test could start one.
browser: setup
	$(PYTEST) tests/browser -m "not alone"

# The tests of the browser are one process: all that takes one more goes on beside it. The last run is the one with the
# most tests. Exit code 5 of pytest: no test is marked so.
test:  ## Everything that must hold
	$(MAKE) --no-print-directory --jobs 2 --output-sync setup browser types lint vitest
	$(PYTEST) -n 2 --dist loadfile -m "alone and not heavy" $(ALONE); code=$$?; test $$code -eq 0 || test $$code -eq 5
	$(PYTEST) $(PARALLEL) -m "not alone and not heavy" --ignore tests/browser

bench: setup  ## Measure the budgets, beside the peers
	$(BIN)/python -m benchmarks

chaos: setup  ## Kill everything at 300 random moments, on SQLite and PostgreSQL, and the RevOps pipeline at 100
	$(BIN)/python -m tests.chaos --kills 300
	$(BIN)/python -m tests.chaos.revops --kills 100

soak: setup  ## 20,000 more seeds of the simulator, new examples for the laws, and what takes gigabytes
	printf '%s\n' 2000 7000 12000 17000 | xargs -P 2 -I {} $(BIN)/python -m tests.simulation --from {} --seeds 5000
	$(PYTEST) --hypothesis-profile search $(PARALLEL) tests/unit/schedule tests/unit/flow tests/unit/engine
	$(PYTEST) --timeout 0 -m heavy

dist: setup ui  ## Build the wheel and the source distribution
	$(BIN)/python -m hatchling build

fmt: setup  ## Format and fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup  ## Choose the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url --no-header \
	  --extra dev pyproject.toml --output-file requirements/dev.txt

clean:
	-test ! -x $(BIN)/python || $(BIN)/python examples/revops/demo.py forget
	rm -rf $(VENV) dist out ui/node_modules src/toque/web .pytest_cache .mypy_cache .ruff_cache .hypothesis
