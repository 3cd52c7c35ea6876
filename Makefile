# Two commands on a fresh machine with Python 3.10 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

EXPERIMENTS := $(filter-out __init__ __main__ names runner tables repeats,$(basename $(notdir $(wildcard experiments/*.py))))

# How long `make fuzz` takes.
SECONDS ?= 3600

.PHONY: demo test test-slow test-minimum mutation fuzz lint bench figures numbers reproduce docs dist clean

# One stamp per set of extras, so that a second call installs nothing.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "hypernorm needs Python 3.10 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/hypernorm demo

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A process per core.
test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow

# The oldest versions that pyproject.toml allows, best with the oldest Python: make PYTHON=python3.10 test-minimum
# Newer versions of what these depend on in turn may deprecate what they do, which is no fault of either.
test-minimum:
	rm -rf $(VENV)-minimum
	$(PYTHON) -m venv $(VENV)-minimum
	$(VENV)-minimum/bin/python -m pip install --quiet --upgrade pip uv
	$(VENV)-minimum/bin/uv pip compile --quiet --resolution lowest-direct --only-binary :all: --extra test --extra bench \
		--python $(VENV)-minimum/bin/python --output-file $(VENV)-minimum/versions.txt pyproject.toml
	$(VENV)-minimum/bin/uv pip install --quiet --python $(VENV)-minimum/bin/python -r $(VENV)-minimum/versions.txt
	$(VENV)-minimum/bin/python -m pip install --quiet --no-deps --editable .
	$(VENV)-minimum/bin/python --version
	grep == $(VENV)-minimum/versions.txt
	$(VENV)-minimum/bin/python -m pytest -W ignore::DeprecationWarning -W ignore::SyntaxWarning

# Hours: which small faults in the certificates would no test notice, and which files break a reader.
mutation: $(VENV)/.installed-test
	$(BIN)/python -m checks.mutation

$(VENV)/.installed-fuzz: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.installed-fuzz
	$(BIN)/python -m checks.fuzz --seconds $(SECONDS)

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks

# All of them into paper_figures/output; git keeps only those that a page shows.
figures: $(VENV)/.installed-test
	$(BIN)/python -m paper_figures

# The measured numbers of README and docs, from the rows under results.
numbers: $(VENV)/.installed-test
	$(BIN)/python -m docs.numbers

reproduce: $(VENV)/.installed-test
	for name in $(EXPERIMENTS); do $(BIN)/python -m experiments.$$name --preset quick || exit 1; done
	$(BIN)/python -m paper_figures

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

docs: $(VENV)/.installed-docs
	rm -rf docs/api
	$(BIN)/python -m sphinx -n -W --keep-going -q docs docs/_build/html -d docs/_build/doctrees
	$(BIN)/python docs/check_site.py docs/_build/html

$(VENV)/.installed-release: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	@touch $@

# The source distribution, with everything that its tests need, and the wheel.
dist: $(VENV)/.installed-release
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) $(VENV)-minimum build dist docs/_build docs/api docs/auto_gallery *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz
