# Every target makes .venv first when it is missing or stale. Needed: Python 3.11 or newer, make,
# and a package index. Choose another interpreter with: make PYTHON=/path/to/python3

export PYTHON
python := .venv/bin/python
address ?= 127.0.0.1:7400
data ?= data
images ?= 1000000
seconds ?= 60
flips ?= 1000000
seed ?= 1
seeds ?= 1000
cut_seconds ?= 60
changes ?= 50000
kills ?= 20

.DEFAULT_GOAL := help
.PHONY: help venv test demo serve check format bench crash-sweep bitflip fuzz coverage lock clean sdk-js gui-admin sdk-python sdk-java bench-http bench-backup backup-flips sim cuts worker-sim worker-ledger pitr

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: ## make or refresh .venv from requirements.lock
	@tools/venv

test: venv ## every test, in parallel
	@$(python) -m pytest -n auto --dist worksteal

pitr: venv ## 10,000 points of 200 histories restored from their archives and compared with the model
	@KVDB_PITR_SCALE=10 $(python) -m pytest -q -n auto --dist worksteal tests/property/test_archive_against_model.py

demo: venv ## the main job on real input: load, query, kill -9, recover, verify
	@$(python) tools/demo.py

serve: venv ## a server on ./data (make serve data=DIR address=HOST:PORT)
	@exec .venv/bin/kvdb serve --data-dir $(data) --grpc $(address)

check: venv ## the one command before every change: format, lint, types, layers, tidy, tests
	@$(python) tools/check

format: venv ## rewrite the sources in the project's format
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix-only --quiet .

bench: venv ## measure; prints a table and writes bench/out/*.json
	@$(python) -m bench.run

sdk-js: venv ## the JavaScript SDK against a server; needs node, npm and their registry
	@$(python) -m tests.sdk_js.run

gui-admin: venv ## dynamodb-admin in headless Chromium against a server; needs node, npm and their registry
	@$(python) -m tests.gui_admin.run

sdk-java: venv ## the Java SDK against a server; needs java, mvn and their repository
	@$(python) -m tests.sdk_java.run

sdk-python: venv ## aioboto3 and the AWS CLI against a server; needs a package index
	@$(python) -m tests.sdk_python.run

bench-http: venv ## the HTTP door beside a bare server of the same bytes
	@$(python) -m bench.http

bench-backup: venv ## backup, restore, verify and drill of a million items; a backup after 1 % has changed
	@$(python) -m bench.backup

crash-sweep: venv ## a million disks after a power loss (make crash-sweep images=20000 seed=7)
	@$(python) -m tests.support.crash --images $(images) --seed $(seed)

bitflip: venv ## a million flipped bits (make bitflip flips=20000 seed=7)
	@$(python) -m tests.support.bitflip --flips $(flips) --seed $(seed)

backup-flips: venv ## 20,000 flipped bits of backups (make backup-flips flips=100000 seed=7)
	@$(python) -m tests.support.backup_flips --flips $(if $(filter command line,$(origin flips)),$(flips),20000) --seed $(seed)

fuzz: venv ## coverage-guided fuzzing of the parsers, a minute each (make fuzz seconds=600 target=request)
	@$(python) -m tests.support.fuzz --seconds $(seconds) $(if $(target),--target $(target))

sim: venv ## regions under loss, cuts, crashes and wrong clocks, from seeds (make sim seeds=100000 seed=1)
	@$(python) -m tests.support.replica_sim --seeds $(seeds) --first $(seed)
	@$(python) -m tests.support.topology_sim --seeds $(seeds) --first $(seed)
	@$(python) -m tests.support.members_sim --seeds $(seeds) --first $(seed)
	@$(python) -m tests.support.session_sim --seeds $(seeds) --first $(seed)

cuts: venv ## regions in network namespaces whose packets vanish, for a minute each time (make cuts cut_seconds=600)
	@KVDB_CUT_SECONDS=$(cut_seconds) $(python) -m pytest -q -n 0 tests/e2e/test_network_namespaces.py

worker-sim: venv ## workers under kills, pauses and splits, from seeds (make worker-sim seeds=100 seed=7)
	@$(python) -m tests.support.worker_sim --seeds $(seeds) --first $(seed)
	@$(python) -m tests.support.worker_sim --seeds $(seeds) --first $(seed) --exactly-once

worker-ledger: venv ## worker processes that are killed, beside a ledger (make worker-ledger changes=3000 kills=5)
	@$(python) -m tests.support.worker_ledger --changes $(changes) --kills $(kills) --seed $(seed)

coverage: venv ## every branch of what reads and writes the engine's files, or it fails
	@$(python) -m tools.branches

lock: ## rewrite requirements.lock (make lock upgrade=1 takes newer versions)
	@tools/lock $(if $(upgrade),--upgrade)

clean: ## remove .venv, caches and build output; never a database
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
