# The commands of this project. `make` alone lists them.

CARGO ?= cargo
# Arguments for the program that `run`, `cluster`, `bench` and `chaos` start: make cluster ARGS="--gateways 3".
ARGS ?=
# How long `chaos` injects faults, and the seed of its schedule; without one it takes a fresh one and prints it.
SECONDS ?= 60
SEED ?=
# How many times as many histories `histories` plays as `test` does.
TIMES ?= 25

BUF := @bufbuild/buf@1.75.0
REDOCLY := @redocly/cli@2.77.0
TARGET := $(or $(CARGO_TARGET_DIR),target)
# In CI the lock file is law.
LOCKED := $(if $(CI),--locked)
# Says how long a step takes.
STEP := scripts/step.sh
SERVICES := -p madang-auth -p madang-message-store -p madang-gateway

.DEFAULT_GOAL := help
.PHONY: help run test cluster bench chaos histories lint compiler servers channels-app

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: compiler ## Build and start the all-in-one on http://127.0.0.1:8080, data in ./data
	$(CARGO) run $(LOCKED) --release -p madang -- $(ARGS)

# Binaries and tests in one build and one profile: the end-to-end tests start those binaries, and nothing is built twice.
test: compiler channels-app ## Run all tests; starts its own PostgreSQL and Redis and removes them
	$(STEP) build-tests $(CARGO) build $(LOCKED) --workspace --bins --tests
	$(STEP) tests $(TARGET)/debug/with-servers $(CARGO) test $(LOCKED) --workspace

cluster: servers ## Start a local cluster of real processes, its ingress on http://127.0.0.1:8080
	$(CARGO) build $(LOCKED) --release --bins $(SERVICES) -p madang-test-kit
	$(TARGET)/release/cluster $(ARGS)

bench: servers ## Run the benchmarks and print a table
	$(CARGO) build $(LOCKED) --profile dist --bins $(SERVICES) -p madang-test-kit -p madang-load
	$(TARGET)/dist/madang-load $(ARGS)

chaos: servers ## Break a cluster and judge what its clients saw: make chaos SECONDS=600 SEED=1
	$(CARGO) build $(LOCKED) --release --bins $(SERVICES) -p madang-test-kit -p madang-chaos
	$(TARGET)/release/madang-chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

histories: servers ## Play thousands of generated histories: make histories TIMES=100 SEED=1
	$(CARGO) build $(LOCKED) -p madang-test-kit --bins
	HISTORIES_TIMES=$(TIMES) $(if $(SEED),PROPTEST_RNG_SEED=$(SEED)) $(TARGET)/debug/with-servers \
		$(CARGO) test $(LOCKED) -p madang-histories -- --nocapture

lint: compiler ## Check format, lints, structure, documentation, dependencies, proto files and API documents
	$(STEP) format $(CARGO) fmt --all --check
	$(STEP) clippy $(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	$(STEP) structure $(CARGO) run $(LOCKED) --quiet -p madang-structure
	$(STEP) rustdoc env RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --quiet --workspace --no-deps --lib
	$(STEP) dependencies scripts/cargo-deny.sh --log-level error check bans licenses sources
	$(STEP) proto sh -c 'cd proto && npx --yes $(BUF) lint'
	$(STEP) contract env REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --yes $(REDOCLY) lint \
		--config docs/redocly.yaml --format stylish docs/openapi.json docs/asyncapi.json
	$(STEP) documents scripts/check-docs.sh

# A C compiler with its linker, where it is missing.
compiler:
	@scripts/install-build-dependencies.sh

# PostgreSQL, Redis and nginx, where they are missing.
servers: compiler
	@scripts/install-test-dependencies.sh

# For the comparison with the system that Madang replaces, on top of the servers: Chromium, Python, Node and libraries.
channels-app:
	@$(STEP) install-test-dependencies scripts/install-test-dependencies.sh --channels-app
	@$(STEP) install-channels-app scripts/install-channels-app.sh
