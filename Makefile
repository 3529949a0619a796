# Every target works on a fresh checkout by itself: it makes the virtual environment and installs what it needs.
# Choose another interpreter with `make install PYTHON=python3.12`, more test processes with `make test JOBS=4`.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Without compiled bytecode every import is two to three times slower, for ever.
unexport PYTHONDONTWRITEBYTECODE
# One thread per process: the processes already share the cores.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install native demo test check format bench soak docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install Seaway with everything the other targets need

$(STAMP): pyproject.toml constraints.txt hatch_build.py src/seaway/engines/native/forest.c src/seaway/engines/native/compile.py
	@test -n "$(PYTHON)" || { echo "Seaway needs Python 3.11 or newer: install it, or name it with PYTHON=..." >&2; exit 2; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lab,sql,demo,dev]"
	@touch $@

native: $(STAMP) ## compile the native kernel anew, after a change of forest.c
	$(BIN)/python -m seaway.engines.native.compile

demo: $(STAMP) ## the whole path on real data: train, release, serve, monitor, update
	$(BIN)/seaway demo

test: $(STAMP) ## every test but the soak; ends with the time per folder
	$(BIN)/python -m pytest -m "not soak" -n $(JOBS) --dist loadfile

check: $(STAMP) ## style, types, and the rules between the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

format: $(STAMP) ## put every file into the house style
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

bench: $(STAMP) ## the path on each data set: score, latency, throughput, size
	$(BIN)/python benchmarks/path.py

soak: $(STAMP) ## the long tests: hours of load, many thousand crashes
	$(BIN)/python -m pytest -m soak

docs: $(STAMP) ## write docs/reference/ from the code, then check links, commands and names
	$(BIN)/python docs/reference.py
	$(BIN)/python -m pytest tests/docs

clean: ## remove the environment and the caches; projects are left alone
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
