# To get started, `make run` and `make test` are enough; `make help` lists all targets.

VENV := .venv
PY := $(VENV)/bin/python

# The first suitable interpreter is used; choose another with `make PYTHON=/path/to/python`.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python

# One list for all supported versions of Python and all platforms. Versions in the present list are kept.
comma := ,
UV_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make upgrade" \
	$(if $(ALL),--upgrade) $(foreach package,$(subst $(comma), ,$(ONLY)),--upgrade-package $(package))

# Compiled modules are kept: the tests start some two hundred processes, each of which would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test coverage bench load chaos lighthouse lint format types messages vendor upgrade smoke documents screenshots sure venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## Run the portal with its services on this machine; with demo data unless PORTAL_ENV=production
	@if [ "$$PORTAL_ENV" != production ]; then export PORTAL_DEMO="$${PORTAL_DEMO:-1}"; fi; exec $(PY) app.py

# Two processes more than the usual two cores, because many tests wait for other processes.
test: $(VENV)/dev.stamp ## Run all tests
	$(PY) -m pytest -n 4

coverage: $(VENV)/dev.stamp ## Run all tests and report the lines and branches that no test reaches
	$(PY) -m pytest -n 2 --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/dev.stamp ## Run the benchmarks and write their tables into docs/performance.md; ONLY=list,download selects parts, SIZE=large uses more data
	$(PY) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(SIZE),--size $(SIZE))

load: $(VENV)/dev.stamp ## Load the whole portal for MINUTES=5 with UTMS=20000 and OPERATORS=32 on SIZE=large; FIND=1 halves UTMS until it holds
	$(PY) -m tests.load load $(if $(MINUTES),--minutes $(MINUTES)) $(if $(UTMS),--utms $(UTMS)) \
		$(if $(OPERATORS),--operators $(OPERATORS)) $(if $(SIZE),--size $(SIZE)) $(if $(FIND),--find)

chaos: $(VENV)/dev.stamp ## Kill each process of the portal under load, CALM=30 seconds apart, and check that nothing is lost or done twice
	$(PY) -m tests.load chaos $(if $(CALM),--calm $(CALM)) $(if $(UTMS),--utms $(UTMS)) \
		$(if $(OPERATORS),--operators $(OPERATORS)) $(if $(SIZE),--size $(SIZE))

lighthouse: $(VENV)/dev.stamp ## Load the main pages as a phone with Lighthouse; fails below its limits (requires Node.js, npm and Chromium)
	cd tools/lighthouse && npm ci --ignore-scripts --no-audit --no-fund
	$(PY) -m tests.lighthouse

lint: $(VENV)/dev.stamp ## Check format, style, imports and security of code and templates
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(VENV)/bin/lint-imports
	$(PY) -m djlint app/templates --check --lint --quiet
	@# It also warns of waivers on lines that it reads more than once; that is shown only if something is found.
	$(PY) -m bandit --quiet --configfile pyproject.toml --recursive app models views jobs config.py 2>$(VENV)/bandit.log \
		|| { cat $(VENV)/bandit.log >&2; exit 1; }

format: $(VENV)/dev.stamp ## Format code and templates
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) -m djlint app/templates --reformat --quiet

types: $(VENV)/dev.stamp ## Check the types
	$(PY) -m mypy

messages: $(VENV)/dev.stamp ## Update the Japanese catalogue from the code, and compile it
	$(VENV)/bin/pybabel -q extract -F babel.cfg -k lazy_gettext -k N_ --no-location --sort-output -o $(VENV)/messages.pot .
	$(VENV)/bin/pybabel -q update -i $(VENV)/messages.pot -d translations -l ja --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
	$(VENV)/bin/pybabel -q compile --use-fuzzy -d translations

vendor: ## Build the parts of Tabler and the chart library in app/static/vendor from npm packages, see tools/ (requires Node.js)
	cd tools/tabler && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build
	cd tools/echarts && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build
	cd tools/echarts/node_modules && licences=../../../app/static/vendor/echarts && \
		cp echarts/LICENSE $$licences/echarts-LICENSE.txt && cp echarts/NOTICE $$licences/echarts-NOTICE.txt && \
		cp echarts/licenses/LICENSE-d3 $$licences/d3-LICENSE.txt && cp zrender/LICENSE $$licences/zrender-LICENSE.txt && \
		cp tslib/LICENSE.txt $$licences/tslib-LICENSE.txt

upgrade: $(VENV)/dev.stamp ## Write requirements*.txt from requirements*.in; ONLY=name,... raises these packages, ALL=1 all that no .in file pins
	$(VENV)/bin/uv pip compile $(UV_OPTIONS) requirements.in --output-file requirements.txt
	$(VENV)/bin/uv pip compile $(UV_OPTIONS) --constraint requirements.txt requirements-tracing.in --output-file requirements-tracing.txt
	$(VENV)/bin/uv pip compile $(UV_OPTIONS) --constraint requirements-tracing.txt requirements-dev.in --output-file requirements-dev.txt

smoke: $(VENV)/dev.stamp ## Start the portal on every other supported Python of this machine, sign in and do one job
	$(PY) -m tests.smoke

screenshots: $(VENV)/dev.stamp ## Take the pictures of README.md from a new demonstration (requires Chromium)
	$(PY) -m tests.screenshots

documents: $(VENV)/dev.stamp ## Run the commands in README.md, CONTRIBUTING.md, SECURITY.md and docs/; ONLY=README.md,docs/shipper.md selects documents
	$(PY) -m tests.documents $(if $(ONLY),--only $(ONLY))

# What needs one core only is done two at a time; the tests use all cores.
sure: $(VENV)/dev.stamp ## Run all checks of the CI
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint types smoke documents
	@$(MAKE) --no-print-directory test

venv: $(VENV)/dev.stamp ## Create the virtual environment with all packages, for editors

$(PY):
	@for candidate in $(PYTHON); do \
		if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
			2>/dev/null; then \
			echo "Creating $(VENV) with $$("$$candidate" --version)."; \
			exec "$$candidate" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 to 3.14 with venv is required, but none of these provides it: $(PYTHON)." \
		"Install it (Debian: apt-get install python3-venv) or specify it: make PYTHON=/path/to/python" >&2; \
	exit 1

# Packages are installed again only when the requirements have changed.
$(VENV)/runtime.stamp: requirements.txt | $(PY)
	@echo "Installing packages; this takes a minute or two."
	@$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes --requirement requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(PY)
	@echo "Installing packages; this takes a minute or two."
	@$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@ $(VENV)/runtime.stamp
