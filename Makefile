# `make demo` and `make test` need Python 3.11+ with pip, and nothing else.

# The first of these that is new enough; `make test PYTHON=python3.13` chooses one.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
# More arguments for the tests: `make test ARGS="-k scale"`; how many run at a time: `make test WORKERS=0` for one.
ARGS ?=
WORKERS ?= auto

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# Tests find the kubectl that the dev group brings.
INSIDE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: help demo test coverage fuzz lint format docs picture site bench fidelity clean

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: $(VENV)/.installed ## See the main job on the embedded cluster.
	@$(INSIDE) shipmate demo

test: $(VENV)/.dev ## Run the tests.
	@$(INSIDE) pytest -n $(WORKERS) $(ARGS)

coverage: $(VENV)/.dev ## Run the tests and show which lines they never reach.
	@$(INSIDE) pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

fuzz: $(VENV)/.dev ## Run the tests of generated cases with new cases.
	@$(INSIDE) pytest -n $(WORKERS) -m hypothesis --hypothesis-profile=fuzz $(ARGS)

lint: $(VENV)/.dev ## Check style, types and layers.
	@failed=0; for tool in "ruff check ." "ruff format --check ." mypy "lint-imports --no-logo"; do \
	  echo "$$tool"; $(INSIDE) $$tool || failed=1; \
	done; exit $$failed

format: $(VENV)/.dev ## Put the code in shape.
	@$(INSIDE) ruff check --fix .
	@$(INSIDE) ruff format .

docs: $(VENV)/.dev ## Write what follows from the code: tools, configuration, failure modes, alerts; and draw the architecture.
	@for page in TOOLS.md CONFIGURATION.md failure-modes.md alerts.md images/architecture.svg; do \
	  $(INSIDE) python "docs/generators/$$(basename "$${page%.*}" | tr A-Z- a-z_).py" > "docs/$$page.new" && \
	    mv "docs/$$page.new" "docs/$$page" || exit 1; \
	done

picture: $(VENV)/.installed ## Make the README's picture from a session on the embedded cluster.
	@$(INSIDE) python docs/generators/session.py

site: $(VENV)/.docs ## Build the documents as pages in site/, every link checked.
	@$(INSIDE) NO_MKDOCS_2_WARNING=1 mkdocs build

bench: $(VENV)/.bench ## Measure what the user waits and pays for.
	@$(INSIDE) python -m benchmarks $(ARGS)

fidelity: $(VENV)/.dev ## Compare the sandbox with a real API server (KUBECONFIG) and write docs/fidelity.md.
	@$(INSIDE) PYTHONPATH=tests/sandbox python -m fidelity --cases 250 > docs/fidelity.md.new; \
	  test -s docs/fidelity.md.new && mv docs/fidelity.md.new docs/fidelity.md

clean: ## Remove what the targets made.
	rm -rf $(VENV) site .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# pip cannot be used outside an environment where PEP 668 forbids it, and Debian's python may come without ensurepip:
# then the pip it has fills the environment from outside.
$(VENV)/.python:
	@found=; for python in $(PYTHON); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Shipmate needs Python 3.11 or newer; tried: $(PYTHON). Name yours: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	rm -rf $(VENV); \
	if "$$found" -c 'import ensurepip' 2>/dev/null; then "$$found" -m venv $(VENV); \
	elif "$$found" -m pip --version >/dev/null 2>&1; then \
	  "$$found" -m venv --without-pip $(VENV) && \
	  "$$found" -m pip --python $(VENV)/bin/python --disable-pip-version-check install --quiet pip; \
	else \
	  echo "$$found has neither pip nor ensurepip. On Debian and Ubuntu: apt install python3-pip (or python3-venv)" >&2; exit 1; \
	fi && $(PIP) install --upgrade 'pip>=25.1' && touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml
	@echo "Installing Shipmate"
	@$(PIP) install --editable . && touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(PIP) install --group dev && touch $@

$(VENV)/.docs: $(VENV)/.dev
	@echo "Installing what the pages need"
	@$(PIP) install --group docs && touch $@

$(VENV)/.bench: $(VENV)/.dev
	@echo "Installing what the benchmarks need"
	@$(PIP) install --group bench && touch $@
