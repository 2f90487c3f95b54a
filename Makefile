# `make demo` and `make test` need Python >= 3.11 and make, nothing else. Another Python: make test PYTHON=python3.12
PYTHON ?= python3
JOBS ?= 2
# More words for pytest: make test ARGS="-k softmax"
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary numba,llvmlite
MARKED := data or browser or compiler or node or peer or slow

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-more soak peers bench bench-quick lint clean

help:
	@echo "make demo        a first look: install into .venv and run glassnet demo"
	@echo "make test        the tests that need nothing but Python"
	@echo "make test-more   the tests marked $(MARKED)"
	@echo "make soak        the tests of make test with 2,000 random examples each"
	@echo "make peers       install PyTorch, JAX and ONNX Runtime, to compare with"
	@echo "make bench       compare with the peers: tables, CSV and picture in docs/ (about half an hour)"
	@echo "make bench-quick the main comparisons in under three minutes; writes nothing"
	@echo "make lint        style, types, import contracts, sizes"
	@echo "make clean       remove .venv, .cache and what the tools left"

demo: .venv/installed
	@$(BIN)/glassnet demo

test: .venv/developing
	@$(BIN)/python -m pytest -n $(JOBS) -m "not ($(MARKED))" $(ARGS)

# pytest's exit code 5: no test has a mark yet.
test-more: .venv/developing
	@$(BIN)/python -m pytest -n $(JOBS) -m "$(MARKED)" $(ARGS) || \
	{ code=$$?; test $$code -eq 5 && echo "No test is marked $(MARKED)." || exit $$code; }

soak: .venv/developing
	@$(BIN)/python -m pytest -n $(JOBS) -m "not ($(MARKED))" --hypothesis-profile=more $(ARGS)

peers: .venv/peers

bench: .venv/peers
	@$(BIN)/python -m benchmarks

bench-quick: .venv/peers
	@$(BIN)/python -m benchmarks --quick

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter
	$(BIN)/python tools/sizes.py --strict

clean:
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is made anew when pyproject.toml changes.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "glassnet needs Python >= 3.11: make PYTHON=...")'
	@echo "Installing glassnet into .venv (a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@$(call install,.)

.venv/developing: .venv/installed
	@echo "Installing what the tests need into .venv"
	@$(call install,.[dev])

.venv/peers: .venv/developing
	@echo "Installing the peers into .venv (large)"
	@$(call install,.[bench])

# $(call install,what): an editable install, then the stamp.
define install
$(PIP) --editable '$(1)' && touch $@ || { \
	echo "The installation failed; the lines above say where. If they name numba or llvmlite, there is no ready-made"; \
	echo "build of Numba for $$($(BIN)/python -V) on $$(uname -sm), or the package index was not reached. With another"; \
	echo "Python: make clean, then make PYTHON=python3.12 and the target."; exit 1; }
endef
