# The verbs of the README and of continuous integration. Each does all of its own set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin
# Blenders that the extension is tested in, each about 350 MB to download: `make test BLENDER=` leaves them out.
BLENDER := 4.2 5.0 5.2

.PHONY: demo test check bench proto browser blender-extension clean

demo: .venv/.ready-demo
	$(BIN)/resilver demo

test: .venv/.ready-test check $(BLENDER:%=.venv/blender-%/.ready) browser
	OMP_NUM_THREADS=1 RESILVER_BLENDERS="$(BLENDER)" $(BIN)/python -m pytest -n 2 --dist loadgroup

check: .venv/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Resilver beside other people's tools: benchmarks/results and docs/quality.md. Some tasks: make bench TASKS="dirt lines"
bench: .venv/.ready-demo
	.ci/setup-peers $(PYTHON)
	$(BIN)/resilver models pull rife-4.25 span-x2 realesr-animevideov3 efficientnet-lite0
	$(BIN)/python -m benchmarks.run $(TASKS)

proto:
	PYTHON=$(PYTHON) protos/generate.sh

# For the tests of the page that the Resolve plug-in shows; without one they skip
browser:
	.ci/setup-browser

# One zip a platform, and the index of a repository to install them from, in dist/blender
blender-extension: .venv/.ready-test .venv/blender-$(firstword $(BLENDER) 4.2)/.ready
	$(BIN)/python host_plugins/blender/build.py

.venv/blender-%/.ready: .ci/setup-blender | .venv/.ready-test
	.ci/setup-blender $* $(PYTHON)

.venv/.ready-demo: pyproject.toml constraints.txt .ci/setup
	.ci/setup $(PYTHON) "."
	@touch $@

.venv/.ready-test: pyproject.toml constraints.txt .ci/setup
	.ci/setup $(PYTHON) ".[dev,timelines]"
	@touch $@ .venv/.ready-demo

clean:
	rm -rf .venv build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
