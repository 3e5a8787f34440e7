# Every target sets up what it needs; on a fresh machine nothing has to be done before.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=

RUN_SETUP   := $(VENV)/.ready-run
DEV_SETUP   := $(VENV)/.ready-dev
PEERS_SETUP := $(VENV)/.ready-peers
PIP         := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo run test test-postgres check fix clients parity bench docs ci clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN_SETUP) ## Start a hub, publish an example, find, load and check it (ARGS=--exit to stop)
	@$(BIN)/reprise demo $(ARGS)

run: $(RUN_SETUP) ## Serve a hub from ./hub-data on port 8400
	@$(BIN)/reprise serve --data hub-data $(ARGS)

test: $(DEV_SETUP) ## Run the tests that need nothing but this checkout
	$(BIN)/python -m pytest -n auto -m "not client" --ignore=tests/parity $(ARGS)

test-postgres: $(DEV_SETUP) ## Run the hub's tests on PostgreSQL (REPRISE_TEST_DATABASE_URL)
	@test -n "$$REPRISE_TEST_DATABASE_URL" || { echo "Set REPRISE_TEST_DATABASE_URL first."; exit 2; }
	$(BIN)/python -m pytest -n auto -m "not client" tests/http tests/attacks tests/unit/test_migrations.py $(ARGS)

check: $(DEV_SETUP) ## Lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(DEV_SETUP) ## Format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clients: $(PEERS_SETUP) ## Run unmodified foreign clients against a live hub
	$(BIN)/python -m pytest -n auto --dist loadfile -m client tests/clients $(ARGS)

parity: $(PEERS_SETUP) ## Compare with torch.hub, transformers, scikit-learn, … side by side
	$(BIN)/python -m pytest -n auto tests/parity $(ARGS)

bench: $(DEV_SETUP) ## Measure against the peers; prints ratios, writes benchmarks/results
	@for script in $(basename $(notdir $(filter-out %/__init__.py,$(wildcard benchmarks/*.py)))); do \
		echo "== $$script"; $(BIN)/python -m benchmarks.$$script || exit 1; done

docs: $(DEV_SETUP) ## Run every example in the docs
	$(BIN)/python -m pytest tests/docs $(ARGS)

ci: ## What the project's CI runs
	@./.ci/run

clean: ## Remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# -- set-up: light for the demo, everything for the tests, foreign clients on top --------------

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Reprise needs Python 3.11 or newer; say which: make PYTHON=python3.12 …"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUN_SETUP): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[run,server]'
	@touch $@

$(DEV_SETUP): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[dev]'
	@touch $(RUN_SETUP) $@

$(PEERS_SETUP): $(DEV_SETUP)
	$(PIP) -e '.[dev,peers]'
	@touch $@
