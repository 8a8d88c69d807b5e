# make run    colour the sample photo with the bundled weights (sets everything up first)
# make test   run the tests          make check  lint and types          make wheel  build dist/*.whl

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt
SOURCES = pyproject.toml .ci/constraints.txt

.PHONY: run test check format wheel clean

run: $(VENV)/installed
	@$(BIN)/colorcli colorize colorcli/sample.jpg --output sample-color.jpg --compare --overwrite --quiet
	@echo "In colour: $(CURDIR)/sample-color.jpg"
	@echo "Grey beside colour: $(CURDIR)/sample-color-compare.jpg"

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/installed-dev
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(SOURCES) | $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-dev: $(SOURCES) | $(VENV)/bin/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/installed
