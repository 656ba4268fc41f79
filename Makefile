# The verbs of the README and of continuous integration. Each does all of its own set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check proto clean

demo: .venv/.ready-demo
	$(BIN)/resilver demo

test: .venv/.ready-test check
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: .venv/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

proto:
	PYTHON=$(PYTHON) protos/generate.sh

.venv/.ready-demo: pyproject.toml constraints.txt .ci/setup
	.ci/setup $(PYTHON) "."
	@touch $@

.venv/.ready-test: pyproject.toml constraints.txt .ci/setup
	.ci/setup $(PYTHON) ".[dev,timelines]"
	@touch $@ .venv/.ready-demo

clean:
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
