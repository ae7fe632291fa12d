# Every command of the project; `make` alone lists them.  Each sets up what it needs, on a fresh machine too.
# ARGS=... is handed on to the program, PYTHON=... names the interpreter of a new environment.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Containers often forbid to keep compiled modules; each start of a service would then take seconds longer.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
SET_UP := $(VENV)/.set-up
PACKAGES := shared $(wildcard services/*) client deploy/standalone
PROJECTS := $(wildcard $(addsuffix /pyproject.toml,$(PACKAGES)))
SOURCES := $(wildcard $(addsuffix /src,$(PACKAGES)))
PYTEST := $(BIN)/python -m pytest
WITH_SERVERS := $(BIN)/python -m conda_store_shared.testing.servers
# Two tests at a time; those that share slow fixtures run in one process, and the longest of them first.
TOGETHER := --numprocesses 2 --dist loadgroup --no-loadscope-reorder
# A database to write a migration against; made when missing.
URL ?= sqlite+aiosqlite:///.cache/migration.sqlite

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SET_UP) ## make .venv with the pinned packages
$(SET_UP): requirements.lock pyproject.toml $(PROJECTS) scripts/setup.sh
	@scripts/setup.sh

servers: ## install the servers which the tests start (as root), or say which are missing
	@scripts/servers.sh

test-servers: setup servers ## start the servers of the tests and print the variables by which test runs use them
	@$(WITH_SERVERS)

demo: setup ## see it work: build a real environment on the embedded defaults, end to end
	@$(BIN)/python -m conda_store_standalone.demo $(ARGS)

serve: setup ## run everything in one process, from source
	@$(BIN)/conda-store-server --standalone $(ARGS)

peers: setup ## install the browser and the identity providers of test-browser, or say what is missing
	@scripts/peers.sh

containers: setup ## install the Docker engine, docker-compose and the clients of test-containers, or say what is missing
	@scripts/containers.sh

test: setup servers ## run every test on real servers, which are started and ended; all but those in browsers and containers
	@$(WITH_SERVERS) $(PYTEST) tests --ignore=tests/browser --ignore=tests/containers --ignore=tests/deploy $(TOGETHER) $(ARGS)

test-unit: setup ## run the quick tests: no servers, seconds
	@$(PYTEST) tests/unit tests/architecture tests/contracts --numprocesses 2 -m "not slow" --timeout 20 --hypothesis-profile quick $(ARGS)

test-integration: setup servers ## run the tests against one real server at a time, migrations included
	@$(WITH_SERVERS) $(PYTEST) tests/integration tests/migrations $(TOGETHER) $(ARGS)

test-acceptance: setup servers ## run the tests of the whole suite: submit, build, kill, restart
	@$(WITH_SERVERS) $(PYTEST) tests/acceptance $(TOGETHER) $(ARGS)

test-browser: setup servers peers ## run the tests in a browser: logins at identity providers of others
	@$(PYTEST) tests/browser $(ARGS)

test-containers: setup servers containers ## run the tests that pull, run and push images by real clients; as root
	@$(WITH_SERVERS) $(PYTEST) tests/containers $(ARGS)

test-deploy: setup containers ## run docker-compose.yaml from images to builds, on an engine that leads nowhere; as root
	@$(PYTEST) tests/deploy --timeout 900 $(ARGS)

lint: setup ## check style, layers, files of deployments, and that each package declares what it imports
	@$(BIN)/ruff check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/check_imports.py
	@$(BIN)/hadolint deploy/Dockerfile deploy/*/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yaml

fmt: setup ## format, and fix what can be fixed
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

types: setup ## check types, strictly, of sources and tests
	@$(BIN)/mypy $(SOURCES) tests scripts $(wildcard benchmarks/*.py)

docs: setup ## fail if the generated reference pages are out of date
	@$(BIN)/python -m scripts.generate_reference --check

docs-write: setup ## write the generated reference pages
	@$(BIN)/python -m scripts.generate_reference

contract: setup servers ## print what clients rely on, and what each mode of the suite answers
	@$(BIN)/python -m scripts.drive_contract

bench: setup servers ## measure the budgets; figures go to benchmarks/results/
	@$(BIN)/python -m benchmarks $(ARGS)

check: lint types docs test-browser test-containers test-deploy test ## exactly what CI runs

migrate: setup ## upgrade a database to the newest schema: make migrate URL=...
	@$(BIN)/python -m conda_store_shared.db.migrate upgrade --url "$(URL)"

migration: migrate ## write a dated revision from the models: make migration NAME="add build size"
	@$(BIN)/python -m conda_store_shared.db.migrate revision --url "$(URL)" --name "$(or $(NAME),$(error NAME is missing))"

lock: setup ## resolve again and write requirements.lock; run it after changing a dependency
	@scripts/lock.sh

clean: ## remove the environment and everything that is cached
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The tests come last, and nothing prints between their lines.
.NOTPARALLEL:

.PHONY: help setup servers peers containers test-servers demo serve test test-unit test-integration test-acceptance test-browser test-containers test-deploy \
        lint fmt types docs docs-write contract bench check migrate migration lock clean
