# The commands of this project. `make` alone lists them.

CARGO ?= cargo
# Arguments for the program that `run`, `cluster`, `bench` and `chaos` start: make cluster ARGS="--gateways 3".
ARGS ?=
# How long `chaos` injects faults and `fuzz` runs each of its targets. The seed of the faults; without one `chaos` takes a
# fresh one and prints it.
SECONDS ?= 60
SEED ?=
# How many times as many histories `histories` plays as `test` does.
TIMES ?= 25
# What `images` calls its images by: localhost/madang:dev and so on; and more arguments of scripts/images.sh with ARGS.
TAG ?= dev

BUF := @bufbuild/buf@1.75.0
REDOCLY := @redocly/cli@2.77.0
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
TARGET := $(or $(CARGO_TARGET_DIR),target)
# In CI the lock file is law.
LOCKED := $(if $(CI),--locked)
# Says how long a step takes.
STEP := scripts/step.sh
SERVICES := -p madang-auth -p madang-message-store -p madang-gateway

.DEFAULT_GOAL := help
.PHONY: help run test cluster bench chaos histories fuzz clients web web-client lint images test-images manifests \
	test-manifests test-deploy test-object-store test-metrics test-kubernetes test-collector test-upgrade test-containers \
	test-api story sbom lint-workflows compiler servers hosts channels-app chromium

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: compiler ## Build and start the all-in-one on http://127.0.0.1:8080, its web client at /, data in ./data
	@scripts/build-web-client.sh
	$(CARGO) run $(LOCKED) --release -p madang -- $(ARGS)

# Binaries and tests in one build and one profile: the end-to-end tests start those binaries, and nothing is built twice.
test: compiler channels-app ## Run all tests; starts its own PostgreSQL and Redis and removes them
	$(STEP) build-tests $(CARGO) build $(LOCKED) --workspace --bins --tests
	$(STEP) tests $(TARGET)/debug/with-servers $(CARGO) test $(LOCKED) --workspace

cluster: servers ## Start a local cluster of real processes, its ingress on http://127.0.0.1:8080
	@scripts/build-web-client.sh
	$(CARGO) build $(LOCKED) --release --bins $(SERVICES) -p madang-test-kit
	$(TARGET)/release/cluster $(ARGS)

bench: servers ## Run the benchmarks and print a table
	$(CARGO) build $(LOCKED) --profile dist --bins $(SERVICES) -p madang-test-kit -p madang-load
	$(TARGET)/dist/madang-load $(ARGS)

chaos: servers ## Break a cluster and judge what its clients saw: make chaos SECONDS=600 SEED=1
	$(CARGO) build $(LOCKED) --release --bins $(SERVICES) -p madang-test-kit -p madang-chaos
	$(TARGET)/release/madang-chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

story: servers ## Let 100 clients do everything while gateways are killed, and compare them: make story SECONDS=60 SEED=7
	$(CARGO) build $(LOCKED) --release --bins $(SERVICES) -p madang-test-kit -p madang-story
	$(TARGET)/release/madang-story --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

test-api: compiler ## Send what schemathesis draws from docs/openapi.json to the all-in-one: make test-api SEED=7
	$(CARGO) build $(LOCKED) -p madang
	$(if $(SEED),SEED=$(SEED)) scripts/test-api.sh

histories: servers ## Play thousands of generated histories: make histories TIMES=100 SEED=1
	$(CARGO) build $(LOCKED) -p madang-test-kit --bins
	HISTORIES_TIMES=$(TIMES) $(if $(SEED),PROPTEST_RNG_SEED=$(SEED)) $(TARGET)/debug/with-servers \
		$(CARGO) test $(LOCKED) -p madang-histories -- --nocapture

fuzz: compiler ## Run libFuzzer on all fuzz targets: make fuzz SECONDS=180 ARGS="text ticket"
	CARGO="$(CARGO)" scripts/fuzz.sh --seconds $(SECONDS) $(ARGS)

# The tests need Node 20 or later, and a server to talk to.
clients: compiler ## Install, build and test the clients for browsers
	$(CARGO) build $(LOCKED) -p madang
	$(STEP) install-client npm --prefix clients/typescript ci
	$(STEP) build-client npm --prefix clients/typescript run build
	$(STEP) test-client env MADANG_BINARY=$(abspath $(TARGET))/debug/madang npm --prefix clients/typescript test
	$(STEP) install-hooks npm --prefix clients/react ci
	$(STEP) build-hooks npm --prefix clients/react run build
	$(STEP) test-hooks npm --prefix clients/react test

web-client: ## Build the web client, which the next build of the gateway and the all-in-one then contains
	scripts/build-web-client.sh --required

web: compiler chromium servers ## Build the web client and test it in Chromium, on the all-in-one and on a cluster
	$(STEP) build-web scripts/build-web-client.sh --required
	$(STEP) build-servers $(CARGO) build $(LOCKED) --bins -p madang $(SERVICES) -p madang-test-kit
	$(STEP) install-example npm --prefix examples/react-minimal ci
	$(STEP) check-web npm --prefix clients/web run check
	$(STEP) test-web env MADANG_BINARY=$(abspath $(TARGET))/debug/madang npm --prefix clients/web test

lint: compiler ## Check format, lints, structure, documentation, dependencies, proto files and API documents
	$(STEP) format $(CARGO) fmt --all --check
	$(STEP) clippy $(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	$(STEP) structure $(CARGO) run $(LOCKED) --quiet -p madang-structure
	$(STEP) rustdoc env RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --quiet --workspace --no-deps --lib
	$(STEP) dependencies scripts/cargo-deny.sh --log-level error check bans licenses sources
	$(STEP) floors scripts/check-floors.sh
	$(STEP) proto sh -c 'cd proto && npx --yes $(BUF) lint'
	$(STEP) proto-breaking scripts/proto-breaking.sh $(BUF)
	$(STEP) contract env REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --yes $(REDOCLY) lint \
		--config docs/redocly.yaml --format stylish docs/openapi.json docs/asyncapi.json
	$(STEP) documents scripts/check-docs.sh

# The previous release is built once: ten minutes on two cores.
test-upgrade: servers ## Roll a cluster from the previous release to this tree and back, under load
	$(CARGO) build $(LOCKED) --bins $(SERVICES) -p madang-test-kit -p madang-upgrade
	previous=$$(scripts/previous-release.sh) && $(TARGET)/debug/madang-upgrade --previous "$$previous" $(ARGS)

# Hosts are network namespaces. The time limit is far above what the runs take.
test-containers: servers hosts ## Cut hosts of a cluster off from one another, freeze them, stop a gateway with 2,000 sockets
	$(CARGO) build $(LOCKED) --bins $(SERVICES) -p madang-test-kit -p madang-hosts
	scripts/on-own-network.sh 900 $(TARGET)/debug/madang-hosts --scenario partitions $(ARGS)
	scripts/on-own-network.sh 300 $(TARGET)/debug/madang-hosts --scenario drain

images: ## Build the images of deploy/Dockerfile: make images ARGS="--binaries target/dist"
	@scripts/install-image-tools.sh --build-only
	scripts/images.sh --tag $(TAG) $(ARGS)

test-images: ## Run those images as Kubernetes would, restricted, and talk through them
	@scripts/install-image-tools.sh
	scripts/test-images.sh $(TAG)

test-deploy: ## Check what deploy/compose.yaml mounts with nginx, Redis and promtool
	@scripts/install-deploy-tools.sh
	scripts/test-deploy.sh

test-collector: ## Start an OpenTelemetry collector as deploy/compose.yaml configures it: four CPU minutes of building, once
	cd tests/collector && go vet ./... && go test -count=1 -v ./...

sbom: compiler ## List what is in each program, as CycloneDX, in target/sbom
	scripts/sbom.sh

lint-workflows: ## Check .github/workflows; needs Go
	go run $(ACTIONLINT)

test-object-store: servers ## Keep files in a store that speaks S3; needs Go
	$(STEP) build-services $(CARGO) build $(LOCKED) --bins $(SERVICES) -p madang-test-kit
	S3_SERVER=$$(scripts/install-s3-server.sh) $(STEP) test-object-store $(TARGET)/debug/with-servers $(CARGO) test $(LOCKED) -p madang-e2e \
		--test files -- --include-ignored --nocapture

test-metrics: servers ## Scrape a cluster with Prometheus: each metric, rule and query of a dashboard has data
	@scripts/install-deploy-tools.sh
	$(STEP) build-services $(CARGO) build $(LOCKED) --bins $(SERVICES) -p madang-test-kit
	$(STEP) test-metrics $(TARGET)/debug/with-servers $(CARGO) test $(LOCKED) -p madang-e2e --test prometheus -- \
		--include-ignored --nocapture

# Network policies and alerts of k8s/, from their tables.
manifests:
	cd tests/kubernetes && go run ./cmd/generate

# With the types of the oldest and of the newest Kubernetes that is supported.
test-manifests: ## Build every overlay of k8s/ and judge it: schema, security, drain, network, capacity
	cd tests/kubernetes && go vet ./... && go test -count=1 -modfile=kubernetes-1.34.mod ./... && go test -count=1 ./...

test-kubernetes: ## Apply k8s/ to a real control plane, which is built first (a quarter of an hour of CPU time, once)
	scripts/test-kubernetes.sh

# A C compiler with its linker, where it is missing.
compiler:
	@scripts/install-build-dependencies.sh

# PostgreSQL, Redis and nginx, where they are missing.
servers: compiler
	@scripts/install-test-dependencies.sh

# Namespaces and the rules that drop packets between them.
hosts:
	@scripts/install-network-tools.sh

# For the comparison with the system that Madang replaces, on top of the servers: Chromium, Python, Node and libraries.
channels-app:
	@$(STEP) install-test-dependencies scripts/install-test-dependencies.sh --channels-app
	@$(STEP) install-channels-app scripts/install-channels-app.sh

# For the tests of the web client.
chromium:
	@scripts/install-chromium.sh
