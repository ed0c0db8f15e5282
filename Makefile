# Everything from a fresh clone: `make serve`, `make test`. Needs Python 3.11 or later with its venv module.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
# The first of these that is new enough.
FIND_PYTHON = for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python; do \
	if "$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	  found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo "Python 3.11 or later (with its venv module) is needed; name it with PYTHON=..." >&2; exit 1; fi
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url pyproject.toml

.PHONY: help serve test coverage model mutants mutmut lint typecheck lock openapi bench bench-page bench-smoke chaos chaos-smoke fuzz upgrade backup clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

serve: $(VENV)/.serve ## set everything up and serve on http://127.0.0.1:8000
	@exec $(BIN)/loyalty serve

test: $(VENV)/.test ## set everything up and run the tests; pytest options in ARGS
	@$(RUN) -m pytest -n auto -q $(ARGS)

coverage: $(VENV)/.test ## every branch of the rules, by the rules' own tests
	@$(RUN) -m pytest -q tests/domain --cov=app.domain --cov-branch --cov-report=term:skip-covered --cov-fail-under=100

model: $(VENV)/.test ## hold the engine against the model for 10 million operations, most of an hour; options in ARGS
	@$(RUN) -m tests.ledger $(ARGS)

mutants: $(VENV)/.test ## plant each known fault in a copy and see that some test finds it; options in ARGS
	@$(RUN) -m tests.mutants $(ARGS)

mutmut: $(VENV)/.test ## make the rules a little wrong in every way, one module in ARGS: ARGS=lots
	@$(RUN) -m tests.mutants.mutmut $(ARGS)

lint: $(VENV)/.test ## format, lint, types, import contracts, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/alembic upgrade head --sql 2>/dev/null | $(BIN)/squawk

openapi: $(VENV)/.serve ## write openapi/ from the code: the contract, and the schema of the program document
	@$(BIN)/loyalty openapi

bench: $(VENV)/.test ## measure, beside what it is measured against; options in ARGS
	@$(RUN) -m bench $(ARGS)

bench-page: $(VENV)/.test ## draw all that was measured: bench/charts/index.html
	@$(RUN) -m bench.page

bench-smoke: $(VENV)/.test ## try the benchmark out with tiny figures
	@$(RUN) -m bench.growth --smoke >/dev/null & growth=$$!; \
	$(RUN) -m bench --smoke $(ARGS); rows=$$?; wait $$growth && exit $$rows

chaos: $(VENV)/.test ## break the service under load and compare what it did; SEED=... CYCLES=..., options in ARGS
	@$(RUN) -m chaos $(if $(SEED),--seed $(SEED)) $(if $(CYCLES),--cycles $(CYCLES)) $(ARGS)

chaos-smoke: $(VENV)/.test ## the same for a minute and a half
	@$(RUN) -m chaos --smoke $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: $(VENV)/.test ## send malformed requests at length, 20 minutes and more; options in ARGS
	@$(RUN) -m tests.contract $(ARGS)

upgrade: $(VENV)/.test ## fill a database with the first release, migrate it under load; options in ARGS
	@$(RUN) -m bench.upgrade $(ARGS)

backup: $(VENV)/.test ## time a dump, a restore and a verification of 10 million lots; options in ARGS
	@$(RUN) -m bench.backup $(ARGS)

lock: $(VENV)/.test ## resolve the dependencies anew
	@$(UV_COMPILE) --upgrade --group build --output-file requirements.lock
	@$(UV_COMPILE) --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment and the caches, not the data
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

$(VENV)/.python:
	@$(FIND_PYTHON); echo "Making $(VENV) with $$found ..."; "$$found" -m venv $(VENV)
	@touch $@

$(VENV)/.serve: requirements.lock pyproject.toml $(VENV)/.python
	@echo "Installing what the service needs ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.serve
	@echo "Installing what the tests need ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
