# `make demo` and `make test` need Python >= 3.11 and make, nothing else. Another Python: make test PYTHON=python3.12
PYTHON ?= python3
JOBS ?= 2
# What is fuzzed, and for how long each
FUZZ_TARGETS ?= model csv parquet arrays idx onnx
FUZZ_SECONDS ?= 60
# Where the site is built, and the port of make docs-serve
SITE := build/docs
PORT ?= 8000
# More arguments for pytest: make test ARGS="-k softmax"
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary numba,llvmlite
NEEDS := data or browser or compiler or node or peer or docs or cluster
MARKED := $(NEEDS) or slow

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-more soak fuzz peers bench bench-quick docs docs-serve lint package page clean

help:
	@echo "make demo        install into .venv and run glassnet demo"
	@echo "make test        run the tests that need nothing but Python"
	@echo "make test-more   run the tests marked $(MARKED)"
	@echo "make soak        run the tests of make test, the slow and the longest ones, each with 2,000 random examples"
	@echo "make fuzz        read changed files for FUZZ_SECONDS (60 s) per target; what crashes is added to tests/corpus"
	@echo "make peers       install PyTorch, JAX, Keras and ONNX Runtime for comparison"
	@echo "make bench       compare with the peers; write tables, CSV and plot to docs/ (about 40 minutes)"
	@echo "make bench-quick run the main comparisons in about three minutes; write nothing"
	@echo "make docs        build the site into $(SITE) and check its links; no network is needed"
	@echo "make docs-serve  serve the site on http://127.0.0.1:$(PORT)"
	@echo "make lint        check style, types, import contracts and sizes"
	@echo "make package     build the source archive and the wheel into dist/"
	@echo "make page        build the page of src/glassnet/play/static from web/ (needs Node.js)"
	@echo "make clean       remove .venv, .cache and the caches of the tools"

demo: .venv/installed
	@$(BIN)/glassnet demo

test: .venv/developing
	@$(BIN)/python -m pytest -n $(JOBS) -m "not ($(MARKED) or soak)" $(ARGS)

# pytest exits with 5 when no test has any of the marks.
test-more: .venv/developing web/node_modules/.package-lock.json
	@$(BIN)/python -m pytest -n $(JOBS) -m "($(MARKED)) and not soak" $(ARGS) || \
	{ code=$$?; test $$code -eq 5 && echo "No test is marked $(MARKED)." || exit $$code; }

# SOAK_MINUTES: how long the page is watched at full speed
soak: .venv/developing
	@$(BIN)/python -m pytest -n $(JOBS) -m "not ($(NEEDS))" --hypothesis-profile=more $(ARGS)
	@$(BIN)/python -m pytest -n 0 -m "browser and soak" $(ARGS)

# Without a wheel of Atheris for this Python, changes of our own are read; they do not see which code runs.
fuzz: .venv/developing
	@$(PIP) --only-binary atheris --editable '.[fuzz]' || echo "Atheris cannot be installed here."
	@for target in $(FUZZ_TARGETS); do $(BIN)/python -m tests.fuzz $$target --seconds $(FUZZ_SECONDS) || exit 1; done

peers: .venv/peers

bench: .venv/peers
	@$(BIN)/python -m benchmarks

bench-quick: .venv/peers
	@$(BIN)/python -m benchmarks --quick

# Warnings are errors, and every page is read anew: Sphinx tells a warning once, a second build would not.
docs: .venv/docs
	@rm -rf $(SITE)
	@$(BIN)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going docs $(SITE)
	@$(BIN)/python tools/site_links.py $(SITE)
	@echo "The site is $(SITE)/index.html"

docs-serve: $(SITE)/index.html
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) $(PORT)

$(SITE)/index.html:
	@$(MAKE) --no-print-directory docs

package: .venv/developing
	@rm -rf dist
	@$(BIN)/python -m hatchling build -d dist
	@ls -l dist

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter
	$(BIN)/python tools/sizes.py --strict

page: web/node_modules/.package-lock.json
	cd web && npm run build

clean:
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist docs/gallery docs/reference
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp file is renewed when pyproject.toml changes.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "glassnet needs Python >= 3.11: make PYTHON=...")'
	@echo "Installing glassnet into .venv (a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@$(call install,.)

.venv/developing: .venv/installed
	@echo "Installing the test requirements into .venv"
	@$(call install,.[dev])

# What the front end of the page is built and checked with; without npm, tests that need it say so.
web/node_modules/.package-lock.json: web/package-lock.json
	@if command -v npm >/dev/null; then echo "Installing the packages of web/"; cd web && npm ci --no-audit --no-fund --silent; \
	else echo "npm is missing: the tests that build the page are skipped."; fi

.venv/docs: .venv/installed
	@echo "Installing Sphinx into .venv"
	@$(call install,.[docs])

.venv/peers: .venv/developing
	@echo "Installing the peers into .venv (large)"
	@$(call install,.[bench])

# $(call install,requirement): install in editable mode, then touch the stamp file.
define install
$(PIP) --editable '$(1)' && touch $@ || { \
	echo "The installation failed; see the lines above. If they name numba or llvmlite, there is no Numba wheel for"; \
	echo "$$($(BIN)/python -V) on $$(uname -sm), or the package index cannot be reached. To use another Python:"; \
	echo "make clean, then make PYTHON=python3.12 and the target."; exit 1; }
endef
