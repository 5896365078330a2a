PYTHON ?= python3
BIN := .venv/bin
PAPERS := nozaki_fujita_2026 yoshimi_2026 fransson_closed_shell fransson_spinterface khaetskii_2006

.PHONY: demo test install check docs bench clean

demo: .venv/.run  ## reproduce the papers: figures and claims in results/
	set -e; for paper in $(PAPERS); do $(BIN)/chirospin reproduce $$paper --out results; done

test: .venv/.all  ## all tests
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest

install: .venv/.all  ## .venv with all that tests and checks need

check: .venv/.all  ## lint, types, import contracts, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell --dictionary=- --dictionary=.ci/british.txt README.md CONTRIBUTING.md changes docs src tests benchmarks

docs: .venv/.docs  ## the site in docs/_build/html; warnings are errors
	OPENBLAS_NUM_THREADS=1 $(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky docs docs/_build/html
	@echo open docs/_build/html/index.html

bench: .venv/.all  ## times as ratios against peers, and operator counts
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/junction.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/chiral_metal.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/spinterface.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/vibration.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/rashba.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/sweep.py

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chirospin needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/.run: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/.all: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[web,zarr,cluster,test,quality]'
	touch .venv/.run $@

.venv/.docs: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch .venv/.run $@

clean:
	rm -rf .venv results docs/_build docs/tutorials docs/reference/api .pytest_cache .mypy_cache .ruff_cache
