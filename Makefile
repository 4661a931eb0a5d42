# make run     sets up what is missing and starts Isocenter          make test    sets up and runs every check and test
# make bench   measures beside Orthanc, storescp and nginx           make fuzz    the same property tests, for longer
# make wheel   builds dist/*.whl with the web client in it           make lock    renews the pinned Python requirements
# make clean   removes what was built; never a data folder
# make audit   asks npm and pip-audit for known vulnerabilities of it, where their data can be had
# make sbom    lists what the product is made of, with licences: docs/dependencies.md, dist/sbom.cdx.json
#
# Each step leaves a stamp that is newer than what it was made from, so nothing is done twice.

SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/test-results -prune -o -path web/e2e -prune -o -type f -print)
CLIENT := src/isocenter/web_client/index.html
PIP := $(PY) -m pip --disable-pip-version-check

.PHONY: run test bench fuzz wheel lock sbom audit clean setup setup-test packages-test client
.DEFAULT_GOAL := run

run: setup
	@exec $(VENV)/bin/isocenter serve $(ARGS)

test: setup-test
	@scripts/test.sh

bench: setup-test
	@scripts/system_packages.sh bench
	@$(PY) -m bench $(ARGS)

# HYPOTHESIS_PROFILE is read by tests/conftest.py.
fuzz: setup-test
	HYPOTHESIS_PROFILE=deep $(PY) -m pytest -q --timeout 0 -m hypothesis tests $(ARGS)

wheel: $(VENV)/.test client
	@rm -rf dist
	$(PY) -m build --wheel --no-isolation

lock: $(VENV)/.test
	@scripts/lock.sh $(PY)

sbom: $(VENV)/.test
	@$(PY) scripts/dependencies.py --sbom dist/sbom.cdx.json

audit: $(VENV)/.test
	@$(PY) scripts/audit.py $(ARGS)

clean:
	rm -rf $(VENV) dist .build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf web/node_modules web/test-results web/playwright-report src/isocenter/web_client
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(VENV)/.run client
# First what may be missing without root: nobody waits for the rest only to be told then.
setup-test: packages-test $(VENV)/.test client
	@scripts/ohif.sh

packages-test:
	@scripts/system_packages.sh test

# A machine without Node still runs Isocenter when the client has been built before (or came in a wheel).
client:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(CLIENT); \
	elif [ ! -e $(CLIENT) ]; then scripts/node.sh && $(MAKE) --no-print-directory $(CLIENT); fi

$(VENV)/bin/python:
	@python=$$(scripts/python.sh) && echo "virtual environment with $$python" && $$python -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Python packages"
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.run
	@echo "Python packages for tests"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

web/node_modules/.stamp: web/package-lock.json
	@echo "packages of the web client"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CLIENT): web/node_modules/.stamp $(WEB_SOURCES)
	@echo "building the web client"
	@cd web && npm run build --silent
	@touch $@
