# Everything a person or a machine does with the checkout. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
RUN := .cache/run
SOAK_MINUTES ?= 10
# Test files run side by side, as many as there are processors (at most 4): most of their time is waiting.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
# Kinds of tests; a kind that has gone missing is an error. tests/bench measures and is not among them.
KINDS := unit contract property api e2e foreign fuzz

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: setup
setup: ## install what is missing: Debian packages (root or sudo) and the locked .venv
	@.ci/setup

.PHONY: driver
driver: setup ## the reader driver of the simulated readers (setup builds it too)
	@$(MAKE) -s -C drivers/ifd OUT=$(CURDIR)/.cache/ifd

.PHONY: test
test: setup lint ## setup, lint, and every test
	@$(BIN)/python -m pytest $(PARALLEL) $(KINDS:%=tests/%)

.PHONY: lint
lint: setup ## ruff, mypy, import-linter, and no path of one machine in any file
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports >.cache/lint-imports.log || { cat .cache/lint-imports.log; exit 1; }
	@.ci/check-paths

.PHONY: unit
unit: setup ## the unit tests alone: seconds
	@$(BIN)/python -m pytest -q tests/unit

.PHONY: demo
demo: setup ## a simulated card, a private pcscd and the daemon play the main job on the terminal
	@$(BIN)/python -m sithsd.simulator.demo

.PHONY: run
run: setup ## the daemon in the foreground on this machine's own pcscd and readers
	@mkdir -p $(RUN)/state
	@echo "Ask it from another terminal: $(CURDIR)/$(BIN)/sithsctl --runtime-dir $(CURDIR)/$(RUN) status"
	@exec $(BIN)/sithsd --runtime-dir "$(CURDIR)/$(RUN)" --state-dir "$(CURDIR)/$(RUN)/state"

.PHONY: bench
bench: setup ## measure: APDUs, bytes, times, memory, wake-ups, a million certificates (BENCH=million: these alone)
	@$(BIN)/python -m tests.bench $(BENCH)

.PHONY: soak
soak: setup ## property, fuzz and e2e tests with new random seeds for SOAK_MINUTES (10)
	@end=$$(($$(date +%s) + 60 * $(SOAK_MINUTES))); round=1; \
	while [ $$(date +%s) -lt $$end ]; do \
	    seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); echo "soak: round $$round, seed $$seed"; \
	    env -u CI SITHSD_LIFE_RULES=100000 $(BIN)/python -m pytest -q -x --hypothesis-seed=$$seed tests/property tests/fuzz tests/e2e || exit 1; \
	    round=$$((round + 1)); \
	done

include .ci/install.mk

.PHONY: clean
clean: ## remove everything that was made here
	@rm -rf .venv .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
