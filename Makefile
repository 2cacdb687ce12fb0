# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.

VENV := .venv
PY := $(VENV)/bin/python

# The first of these that works and has the right version; `make PYTHON=/path/to/python` names another.
PYTHON ?= python3.12 python3.11 python3 python

.DEFAULT_GOAL := help
.PHONY: help run test coverage bench lint format types messages sure venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## Run the portal on this machine with all it needs; with demo data unless PORTAL_ENV=production
	@if [ "$$PORTAL_ENV" != production ]; then export PORTAL_DEMO="$${PORTAL_DEMO:-1}"; fi; exec $(PY) app.py

test: $(VENV)/dev.stamp ## Run all tests
	$(PY) -m pytest -n 2

coverage: $(VENV)/dev.stamp ## Run all tests, and tell which lines and branches none of them reaches
	$(PY) -m pytest -n 2 --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/dev.stamp ## Measure and write docs/performance.md; ONLY=list,download for some parts, SIZE=large for more data
	$(PY) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(SIZE),--size $(SIZE))

lint: $(VENV)/dev.stamp ## Check format, style and imports of code and templates
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(VENV)/bin/lint-imports
	$(PY) -m djlint app/templates --check --lint --quiet

format: $(VENV)/dev.stamp ## Put code and templates into the house's format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) -m djlint app/templates --reformat --quiet

types: $(VENV)/dev.stamp ## Check the types
	$(PY) -m mypy

messages: $(VENV)/dev.stamp ## Bring the Japanese catalogue up to date with the code, and compile it
	$(VENV)/bin/pybabel -q extract -F babel.cfg -k lazy_gettext -k N_ --no-location --sort-output -o $(VENV)/messages.pot .
	$(VENV)/bin/pybabel -q update -i $(VENV)/messages.pot -d translations -l ja --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
	$(VENV)/bin/pybabel -q compile --use-fuzzy -d translations

sure: lint types test ## Everything CI checks

venv: $(VENV)/dev.stamp ## Make the virtual environment with all packages, for an editor

$(PY):
	@for candidate in $(PYTHON); do \
		if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' \
			2>/dev/null; then \
			echo "Making $(VENV) with $$("$$candidate" --version)."; \
			exec "$$candidate" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or 3.12 with venv is needed, and none of these is it: $(PYTHON)." \
		"Install one (Debian: apt-get install python3-venv) or name one: make PYTHON=/path/to/python" >&2; \
	exit 1

# The stamps are older than the requirements only after those have changed: a second `make run` installs nothing.
$(VENV)/runtime.stamp: requirements.txt | $(PY)
	@echo "Installing packages; this takes a minute or two."
	@$(PY) -m pip install --disable-pip-version-check --quiet --requirement requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt | $(PY)
	@echo "Installing packages; this takes a minute or two."
	@$(PY) -m pip install --disable-pip-version-check --quiet --requirement requirements-dev.txt
	@touch $@ $(VENV)/runtime.stamp
