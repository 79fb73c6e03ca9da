# Every target sets itself up in .venv; that needs Python 3.11 or newer and, once, the network.

VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
DEV := $(VENV)/.dev
VALIDATORS := .venv-validators
DEMO := demo
TORCH := torch==2.13.0

export PYTHON
export MICROGRAPHIA_DATA ?= $(abspath $(wildcard ../shared/data))

# A stamp does not know that its environment was moved or broken since.
$(foreach folder,$(VENV) $(VALIDATORS),$(shell .ci/venv --check $(folder) || rm -f $(folder)/.core $(folder)/.dev $(folder)/.ready))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(CORE) ## See all of it work in a minute or two: describe, check, convert, card, probe
	$(BIN)/micrographia demo $(DEMO)

.PHONY: test
test: $(DEV) $(if $(filter true,$(CI)),browser $(VALIDATORS)/.ready) ## Run the tests
	MICROGRAPHIA_VALIDATORS=$$(ls $(CURDIR)/$(VALIDATORS)/bin/python 2>/dev/null) \
		$(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: lint
lint: $(DEV) ## Check style, types and the import contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: docs
docs: $(DEV) ## Build the documentation in site/
	$(BIN)/python -m micrographia.checks.pages docs/rules
	$(BIN)/zensical build --clean --strict

.PHONY: validate
validate: $(DEV) $(VALIDATORS)/.ready ## Hold what we write against independent validators
	MICROGRAPHIA_VALIDATORS=$(CURDIR)/$(VALIDATORS)/bin/python $(BIN)/python -m pytest -m validators

.PHONY: bench
bench: $(DEV) ## Repeat the measurements of docs/benchmarks.md; installs the peers
	set -e; for script in $(sort $(wildcard benchmarks/[a-z]*.py)); do echo "== $$script"; $(BIN)/python $$script; done

.PHONY: browser
browser: ## Install Chromium for the tests that look at pages (Debian, as root)
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 chromium >/dev/null; \
	else \
		echo "Install Chromium or Chrome by your system's own means; without it the tests that look at pages are skipped."; \
	fi

.PHONY: clean
clean: ## Remove everything that these targets made
	rm -rf $(VENV) $(VALIDATORS) $(DEMO) site dist build .bench .cache
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(CORE): pyproject.toml
	@.ci/venv $(VENV) --editable .
	@touch $@

# A range of versions of torch would draw gigabytes for graphics cards.
$(DEV): pyproject.toml
	@.ci/venv $(VENV) $(TORCH)
	@.ci/venv $(VENV) --editable '.[dev,docs,encoders]'
	@touch $(CORE) $@

$(VALIDATORS)/.ready: .ci/validators.txt
	@.ci/venv $(VALIDATORS) --requirement .ci/validators.txt
	@touch $@
