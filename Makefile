# make demo [AUDIO=clip.wav] [STYLE="happy"]   the nodes on a sample or on a clip: out/demo.mp4
# make test                                    every test
# make lint                                    ruff and mypy
# All of them set up what they need on the first call; PYTHON= and VENV= choose where from and to.
SHELL := /bin/bash
export PYTHON VENV AUDIO STYLE
.PHONY: demo test lint setup

demo:
	@scripts/setup.sh demo
	@scripts/run.sh python -m m2f_node.demo

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
