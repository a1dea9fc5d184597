# `make` alone lists what there is. Every target sets .venv up first, by itself; a second time costs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
NOTEBOOKS = $(wildcard notebooks/*.ipynb)

export PYTHON

##@ For planners

demo: $(STAMP)  ## The bank scenario as a PDF: reports/bank-retail.pdf
	@$(BIN)/funnelsim report scenarios/bank-retail.yaml --kind funnel-review --out reports/

lab: $(STAMP)  ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks/

setup: $(STAMP)  ## Only set up .venv
	@:

clean:  ## Remove .venv, builds and caches; your reports stay
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Proof

# One thread per test process: two processes fill a small machine.
test test-full evidence bench bench-forecast: export OMP_NUM_THREADS = 1

test: $(STAMP)  ## Tests in smoke sizes (minutes)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-full: $(STAMP)  ## All tests in full sizes
	@$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile full

evidence: $(STAMP)  ## The sizes that docs/evidence.md reports
	@$(call run_each,evidence,$(wildcard benchmarks/evidence_*.py))

bench: $(STAMP)  ## Speed and memory, beside peers
	@$(call run_each,benchmark,$(wildcard benchmarks/bench_*.py))

bench-forecast: $(STAMP)  ## Forecasts beside statsforecast's (hours; goes on where it was)
	@$(BIN)/python benchmarks/forecast_accuracy.py

##@ For contributors

lint: $(STAMP)  ## ruff, notebooks without outputs, environment.yml up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(if $(NOTEBOOKS),$(BIN)/nbstripout --verify $(NOTEBOOKS),echo "no notebooks yet")
	@$(BIN)/python .ci/environment.py --check

types: $(STAMP)  ## mypy, strict
	@$(BIN)/mypy

layers: $(STAMP)  ## Imports point down only (docs/architecture.md)
	@$(BIN)/lint-imports

# Known pins stay; `make lock UPGRADE=--upgrade` moves all of them.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)

lock: $(STAMP)  ## Write requirements.txt and environment.yml anew from pyproject.toml
	@$(COMPILE) --all-extras pyproject.toml --output-file requirements.txt
	@echo uv | $(COMPILE) - --output-file requirements-uv.txt
	@$(BIN)/python .ci/environment.py

help:
	@echo "funnelsim: what 'make' can do"
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements.txt requirements-uv.txt
	@.ci/set-up $(VENV)
	@touch $@

# $(call run_each,what,scripts)
run_each = $(if $(2),for script in $(2); do echo "== $$script"; $(BIN)/python $$script || exit 1; done,echo "There is no $(1) script yet.")

.PHONY: bench bench-forecast clean demo evidence help lab layers lint lock setup test test-full types
