# `make run` and `make test` need Python 3.11 or newer and nothing else: they make .venv when it is missing or stale.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: run test coverage zero lint docs notebooks package format clean help

help:
	@echo "make run    the default job: three teachers discuss, a small student learns (ARGS=--quick for the short one)"
	@echo "make test   lint, types, import contract, tests"
	@echo "make lint   lint, types and import contract alone"
	@echo "make coverage   the tests again, and which lines of magdi/ they do not run"
	@echo "make zero   the tests of DeepSpeed's ZeRO, which make test leaves out"
	@echo "make docs   the documentation as a site, in site/"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "magdi needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet torch
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip check
	@touch $@

run: $(STAMP)
	$(BIN)/magdi run --encoder gcn --protocol reconcile $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Three workers for two cores, as some wait for what they have started. Shuffled, and the same each time; ARGS=--randomly-seed=N shuffles otherwise.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist worksteal --randomly-seed=1 $(ARGS)

# Half as long again as the tests alone before Python 3.14, which counts by sys.monitoring: so it is no part of them.
coverage: $(STAMP)
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n 3 --dist worksteal --randomly-seed=1 $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# ZeRO's tests, with DeepSpeed beside the environment and not in it: accelerate would load it in every process that trains.
zero: $(STAMP)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/zero \
		deepspeed einops hjson ninja py-cpuinfo
	PYTHONPATH=$(CURDIR)/build/zero OMP_NUM_THREADS=1 $(BIN)/pytest -k zero tests/core/distill/test_distill_sharding.py $(ARGS)

docs: $(STAMP)
	$(BIN)/zensical build --strict --clean

# The examples as notebooks, executed at full size (some minutes); what they write goes to runs/.
notebooks: $(STAMP)
	$(BIN)/python .ci/notebooks

# Wheel and sdist, checked, and tried in an environment of their own, outside of the repository.
package: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	.ci/try-wheel dist/*.whl

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist site .cache
