PYTHON ?= python3
BIN := .venv/bin
.PHONY: demo test kernel install check docs validation crosscheck benchmark citation changelog paper wheel clean

demo: .venv/.run  ## every door once: five papers, a molecule, a crystal, measured curves; figures in results/
	$(BIN)/chirospin demo --out results

test: .venv/.all  ## all tests
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest

kernel: .venv/.all  ## numbers under another kernel of OpenBLAS than this processor's own: KERNEL=NAME, or one in turn
	OPENBLAS_NUM_THREADS=1 OPENBLAS_CORETYPE=$(or $(KERNEL),$(shell $(BIN)/python .ci/kernel)) \
	$(BIN)/python -m pytest tests/limits tests/oracles tests/laws/test_company.py tests/test_pages.py tests/faces/test_sweeps.py \
	-k "not kills and not cluster and not disk and not three_molecules and not two_molecules_equal \
	and not whole_fock_space and not trajectories and not measured and not hard_files"

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

validation: .venv/.all  ## docs/validation: every claim with its numbers, signals that vanish; reuses results/
	OPENBLAS_NUM_THREADS=1 $(BIN)/chirospin validate --out docs/validation --results results

crosscheck: .venv/.all  ## docs/validation/crosscheck.md: against QuTiP and other codes
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.oracles.crosscheck

benchmark: .venv/.all  ## docs/validation/benchmarks.md: counts, ratios, times, failures that say so
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks

citation: .venv/.all  ## the references of CITATION.cff from the bibliography, a paper for each study
	$(BIN)/python .ci/citation.py

changelog:  ## docs/changelog.md from the fragments in changes/
	$(PYTHON) .ci/changelog.py

paper:  ## paper/paper.pdf, by Pandoc and Typst in an environment of their own
	$(PYTHON) -m venv .venv/paper
	.venv/paper/bin/python -m pip install --quiet --disable-pip-version-check pypandoc-binary typst
	.venv/paper/bin/python .ci/paper.py
	@echo wrote paper/paper.pdf

wheel:  ## build the wheel, install it without extras into a clean environment, time the import
	PYTHON=$(PYTHON) bash .ci/wheel

.venv/bin/python:
	@echo "making .venv; its packages take a minute or two"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chirospin needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv

.venv/.run: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing chirospin and its packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[web]'
	@touch $@

.venv/.all: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[web,zarr,cluster,test,quality]'
	touch .venv/.run $@

.venv/.docs: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch .venv/.run $@

clean:
	rm -rf .venv results dist docs/_build docs/tutorials docs/reference/api .pytest_cache .mypy_cache .ruff_cache
