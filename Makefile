# make demo [AUDIO=clip.wav] [STYLE="happy"]   the nodes on a sample or on a clip: out/demo.mp4
# make test                                    every test
# make docs                                    the site of the documents: out/docs/index.html
# make lint                                    ruff and mypy
# All of them set up what they need on the first call; PYTHON= and VENV= choose where from and to.
SHELL := /bin/bash
export PYTHON VENV AUDIO STYLE
.PHONY: demo docs test lint setup

demo:
	@scripts/setup.sh demo
	@scripts/run.sh python -m m2f_node.demo

docs:
	@scripts/setup.sh docs
	@scripts/run.sh python -m sphinx -W --keep-going -q -d .cache/doctrees docs out/docs
	@echo "out/docs/index.html"

test:
	@scripts/setup.sh test
	@scripts/run.sh python -m pytest

lint:
	@scripts/setup.sh test
	@scripts/run.sh ruff check
	@scripts/run.sh ruff format --check
	@scripts/run.sh python -m mypy

setup:
	@scripts/setup.sh test
