# `make demo` and `make test` work on a fresh machine: they need make and Python 3.11 or newer, nothing else.
# Each set-up step leaves a stamp in .venv, so a second call installs nothing; a changed pyproject.toml installs again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
# --no-compile: Python compiles what is imported when it is imported; all of torch at once takes a minute.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile
WORKERS ?= 2
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-slow coverage trust plugins lint format docs serve bench publish wheel clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(STAMPS)/core ## encode the bundled recording and write demo/report.html
	@$(BIN)/sslts demo --out demo

# Every worker computes on one thread: two workers that each take all cores would be slower than one.
test: $(STAMPS)/test ## all tests but the slow ones
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

test-slow: $(STAMPS)/test ## the tests that take minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) -m slow $(PYTEST_ARGS)

coverage: $(STAMPS)/test ## every branch of registry, resolve, artefact and catalogue
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) tests/hub tests/test_registry.py --cov=sslts.registry --cov=sslts.hub \
	  --cov-branch --cov-report= && $(BIN)/python -m coverage report --fail-under=100 --show-missing \
	  --include='sslts/registry.py,sslts/hub/resolve.py,sslts/hub/artefact.py,sslts/hub/catalogue.py'

trust: $(STAMPS)/test ## every row of the scorecard, one line each (half an hour)
	@SSLTS_TRUST=full OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) -m trust $(PYTEST_ARGS)

plugins: $(STAMPS)/test ## each plugin as a wheel in an environment of its own, and the tutorial
	@OMP_NUM_THREADS=1 $(BIN)/python plugins/check.py
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow tests/test_tutorial.py

lint: $(STAMPS)/lint ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMPS)/lint ## let ruff format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(STAMPS)/docs ## build the site strictly into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

serve: $(STAMPS)/docs ## the site at http://127.0.0.1:8000, rebuilt at every change
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(STAMPS)/bench ## what the benchmarks can run, and how
	@$(BIN)/python benchmarks/run.py --help

publish: $(STAMPS)/core ## publish all bundled models under an account of the Hub: make publish ORG=name [TAG=v1]
	@test -n "$(ORG)" || { echo "say under which account: make publish ORG=name" >&2; exit 1; }
	@for card in model_cards/*/config.json; do \
	  name=$$(basename $$(dirname $$card)); \
	  $(BIN)/sslts publish ./model_cards/$$name $(ORG)/$$name $(if $(TAG),--tag $(TAG)) --catalogue sslts/hub/catalogue.json || exit 1; \
	done

wheel: $(STAMPS)/test ## build the wheel and the source archive into dist/
	@$(BIN)/python -m build

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist site demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"sslts needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12 ...")'
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is not complete here; on Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: $(STAMPS)/venv pyproject.toml
	@echo "installing sslts (torch is large: a few minutes the first time)"
	@$(INSTALL) -e .
	@touch $@

$(STAMPS)/test $(STAMPS)/lint $(STAMPS)/docs $(STAMPS)/bench: $(STAMPS)/%: $(STAMPS)/core
	@echo "installing what '$*' needs"
	@$(INSTALL) --quiet -e '.[$*]'
	@touch $@
