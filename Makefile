# Carepath: every target works from a clean checkout on Linux with Python 3.11 or newer, git and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test test-quick up down status env extras lock check docs bench env-file clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: env ## Load the four nights of the demonstration through Airflow and show what they say
	@$(BIN)/carepath demo

test: env ## Run the whole suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=20

test-quick: env ## Run the tests that need no database
	@$(BIN)/python -m pytest tests/no_database

up: env ## Start Carepath as a service: Airflow on 127.0.0.1, with the nightly load on
	@$(BIN)/carepath up

down: env ## Stop the service
	@$(BIN)/carepath down

status: env ## Show what is running, what ran last and what is held
	@$(BIN)/carepath status

env: $(INSTALLED) ## Make the Python environment from the lock

$(INSTALLED): requirements.lock requirements-uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Carepath needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Installing Carepath's packages into $(VENV) (a few minutes the first time)"
	@# uv is quicker, but it does not read pip's settings; if it cannot reach the index, pip does the same
	@( $(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock \
	   && $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --require-hashes --python $(BIN)/python -r requirements.lock 2> $(VENV)/uv.log \
	   && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . ) \
	 || ( $(PYTHON) -m venv --clear $(VENV) \
	   && $(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock \
	   && $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable . )
	@touch $@

extras: env ## Add what only a region or a refresh of Power BI needs: Celery, Microsoft's operators for Airflow
	@$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --require-hashes --no-deps --python $(BIN)/python -r requirements-extras.lock 2> $(VENV)/uv.log \
	  || $(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-extras.lock

lock: env ## Write requirements.lock and requirements-extras.lock again from pyproject.toml
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip compile --quiet --system-certs --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header --no-strip-extras --extra dev --upgrade -o requirements.lock pyproject.toml
	@# only what the first lock does not hold
	@$(BIN)/uv pip compile --quiet --system-certs --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header --no-strip-extras --extra region --extra fabric --upgrade \
	  --constraint requirements.lock $$(sed -nE 's/^([a-z0-9._-]+)(\[[a-z0-9,-]+\])?==.*/--no-emit-package \1/p' requirements.lock) \
	  -o requirements-extras.lock pyproject.toml

check: env ## Lint and type-check
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/sqlfluff lint dbt_project/models

docs: env ## Write the generated pages: contract, rule book, KPIs, dbt docs
	@$(BIN)/carepath docs

bench: env ## Measure against the floors and write docs/benchmarks.md
	@$(BIN)/python -m benchmarks

env-file: ## Write generated secrets for docker-compose.yml to .env
	@PYTHONPATH=plugins $(PYTHON) -m carepath.containers env-file

clean: ## Remove the environment and all data of this checkout
	@if [ -x $(BIN)/carepath ]; then $(BIN)/carepath down --database; fi
	@rm -rf $(VENV) .carepath
