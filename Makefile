# Everything starts here. `make` lists what there is.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# One process more than there are cores, because tests that watch other processes wait for them; each has servers of
# its own. `make test WORKERS=0` runs all in one.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
PYTEST = $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# what production may need; `embedded` and `dev` are for this machine only
RUNTIME_EXTRAS = pdf geo basemap aws govuk apprise

.DEFAULT_GOAL := help
.PHONY: help setup demo run map test check nightly bench faults docs lock chromium

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv, from the versions in requirements-dev.lock

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; choose one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv

# The lock holds hatchling too: with it installed, our own package builds without another download.
$(STAMP): requirements-dev.lock pyproject.toml | $(BIN)/pip
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) uninstall --yes notify 2>/dev/null || true # the distribution's former name, with entry points of its own
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## send one ward alert to the demo council's residents and print who got what
	$(BIN)/notify demo

run: $(STAMP) ## serve the demo council to look at
	@.ci/map || true # without it the pages show the drawing of the wards
	$(BIN)/notify run

map: $(STAMP) ## bundle the map's script from npm's packages; the second time it costs nothing
	@.ci/map

test: $(STAMP) chromium map ## run every test
	$(PYTEST)

check: $(STAMP) chromium map ## the gate: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

nightly: $(STAMP) chromium map ## run the tests that touch dates at awkward moments, and those that take minutes
	$(BIN)/python -m tests.nightly

bench: $(STAMP) ## measure; the last line is JSON
	$(BIN)/python -m benchmarks

faults: $(STAMP) ## kill and break things for a long while; the last line is JSON
	$(BIN)/python -m tests.faults

docs: $(STAMP) ## build the documentation as a site in docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going --fresh-env --quiet \
		--doctree-dir docs/_build/doctrees docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

chromium:
	@.ci/chromium

# No addresses, no paths: the lock says what and which hash, never from where.
lock: | $(BIN)/pip ## choose versions anew and write requirements.lock and requirements-dev.lock
	@test -x $(BIN)/uv || $(PIP) install uv
	@for file in requirements-dev requirements; do \
		extras=--all-extras; constraint=; \
		[ $$file = requirements ] && extras="$(RUNTIME_EXTRAS:%=--extra %)" && constraint="--constraint requirements-dev.lock"; \
		echo 'hatchling>=1.27' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $$extras $$constraint \
			--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
			--upgrade --output-file $$file.lock pyproject.toml - || exit 1; \
	done
	@! grep -nE '://|^-|@ |file:' requirements.lock requirements-dev.lock || { echo "A lock names a source" >&2; exit 1; }
