# Everything that a person types, or CI. `make` alone explains itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
ARGS ?=
# Programs are static, and the same in whatever folder they are built. Tests are
# compiled likewise, so that they test what is released and share its packages.
export CGO_ENABLED = 0
export GOFLAGS := $(GOFLAGS) -trimpath
# Compiler and linter take less time if they may use more memory.
GO_BUILD = GOGC=$${GOGC:-400} go build
LINT = GOGC=$${GOGC:-400} $(CURDIR)/dev/bin/golangci-lint run ./...

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: dev
dev: build stack ## Run the whole stack with sample calls, until Ctrl-C   (ARGS=--help)
	@dev/bin/stack up $(ARGS)

.PHONY: cluster
cluster: build stack ## Run two of everything: starters, workers and a Temporal cluster on PostgreSQL   (ARGS=--help)
	@dev/bin/stack up --topology cluster $(ARGS)

.PHONY: demo
demo: build stack ## Run the same unattended and verify every outcome; exit 0 if all are as expected
	@dev/bin/stack demo $(ARGS)

.PHONY: call
call: stack ## Simulate a call on the running stack and follow it   (ARGS=--help)
	@dev/bin/stack call $(ARGS)

.PHONY: aftercall
aftercall: build ## Run a command of aftercall against the running stack   (ARGS=check, ARGS="ledger list")
	@for env in dev/.state/own/cluster/env dev/.state/own/env dev/.state/cluster/env dev/.state/env; do [ -f $$env ] && . $$env && exec bin/aftercall $(ARGS); done; \
		echo "no stack is running here: start one with \`make dev\` or \`make cluster\` in another terminal"; exit 1

.PHONY: build
build: ## Build bin/aftercall, bin/starter and bin/worker
	@mkdir -p bin
	@$(GO_BUILD) -o bin/ . ./starter ./worker

# A module of its own, because only a release needs what it imports.
.PHONY: dev/bin/release
dev/bin/release:
	@mkdir -p dev/bin
	@cd dev/release && $(GO_BUILD) -o ../bin/release .

.PHONY: image
image: dev/bin/release ## Build the image for amd64 and arm64 into dist/image, an OCI layout
	@dev/bin/release image --out dist/image $(ARGS)

.PHONY: simulator-image
simulator-image: dev/bin/release ## Build the image of the simulator for a first look, into dist/simulator-image
	@dev/bin/release image --program simulator --out dist/simulator-image $(ARGS)

.PHONY: push-image
push-image: LAYOUT ?= dist/image
push-image: dev/bin/release ## Push dist/image, or LAYOUT   (ARGS="registry.example.com/aftercall:1.2.0")
	@dev/bin/release push $(LAYOUT) $(ARGS)

# A module of its own, with Helm and what it needs.
.PHONY: dev/bin/deploy
dev/bin/deploy:
	@mkdir -p dev/bin
	@cd dev/deploy && $(GO_BUILD) -o ../bin/deploy .

.PHONY: chart
chart: dev/bin/deploy ## Package the Helm chart into dist/chart   (ARGS="--version 1.2.0")
	@dev/bin/deploy chart --time "$$(git log -1 --format=%cI)" $(ARGS)

.PHONY: manifests
manifests: dev/bin/deploy ## Write what the Helm chart makes as a base for kustomize, into dist/manifests   (ARGS="--values my.yaml")
	@dev/bin/deploy manifests --out dist/manifests $(ARGS)

# One build at a time, because archives have programs in the order in which they were built.
GORELEASER = COMMIT="$$(git rev-parse --short=12 HEAD)" COMMIT_TIME="$$(git log -1 --format=%cI)" COMMIT_SECONDS="$$(git log -1 --format=%ct)" \
	dev/bin/goreleaser release --clean --parallelism=1 --config dev/release/goreleaser.yaml --release-notes dist/notes.md

.PHONY: release-snapshot
release-snapshot: dev/bin/release dev/bin/deploy dev/bin/goreleaser ## Build archives, Debian packages, chart, SBOMs and checksums into dist/release and dist/chart
	@mkdir -p dist && dev/bin/release notes Unreleased > dist/notes.md
	$(GORELEASER) --snapshot --skip=sign

.PHONY: release-reproducible
release-reproducible: release-snapshot image ## Build release-snapshot and image again, from a clone and without the build cache, and compare all files
	@git diff --quiet HEAD || { echo "commit first: the clone has only what is committed"; exit 1; }
	@again=$$(mktemp -d) && trap 'rm -rf $$again' EXIT && git clone --quiet . $$again/clone && \
		mkdir $$again/clone/dev/bin && cp dev/bin/goreleaser $$again/clone/dev/bin && \
		GOCACHE=$$again/cache $(MAKE) -C $$again/clone release-snapshot image && \
		diff dist/release/checksums.txt $$again/clone/dist/release/checksums.txt && \
		diff -r dist/image $$again/clone/dist/image && \
		echo "The same $$(wc -l < dist/release/checksums.txt) files, and the same image."

.PHONY: try-package
try-package: temporal ## Install the Debian package of release-snapshot on a copy of this machine, and run its units; needs root, redis-server and iproute2
	@dev/release/try-package dist/release/aftercall_*_$$(dpkg --print-architecture).deb "$$(dev/bin/stack temporal | sed -n 's/^temporal: //p')"

.PHONY: release
release: dev/bin/release dev/bin/deploy dev/bin/goreleaser ## The same for the tag that is checked out, signed, as a draft release on GitHub; for its workflow
	@mkdir -p dist && dev/bin/release notes "$$(git describe --tags --exact-match)" > dist/notes.md
	$(GORELEASER)

# Needs some minutes to build, once.
dev/bin/goreleaser: dev/release/goreleaser/go.mod dev/release/goreleaser/go.sum
	@mkdir -p dev/bin
	cd dev/release/goreleaser && $(GO_BUILD) -o ../../bin/ tool

.PHONY: bench
bench: build temporal ## Compare with other ways to do the job; needs redis-server and PostgreSQL   (ARGS=--help)
	@cd dev/bench && $(GO_BUILD) -o ../bin/bench .
	@dev/bin/bench $(ARGS)

.PHONY: stack
stack:
	@mkdir -p dev/bin
	@$(GO_BUILD) -o dev/bin/stack ./dev

.PHONY: temporal
temporal: stack ## Find the temporal CLI, or build it once into dev/bin (takes a few minutes)
	@dev/bin/stack temporal

.PHONY: test
test: temporal ## Run all tests
	go test -timeout 30m ./...
	cd dev/bench && go test -timeout 30m ./...
	cd dev/faults/harness && go test -timeout 30m ./...
	cd dev/release && go test -timeout 30m ./...
	cd dev/deploy && go test -timeout 30m ./...
	cd dev/tools/mutate && go test ./...

# Also lints the module of the cluster, for which Temporal's server must be compiled.
.PHONY: test-cluster
test-cluster: build temporal tools ## Test a Temporal cluster with sample calls, one that loses its nodes, and its Web UI; needs redis-server, PostgreSQL, HAProxy and Chromium
	@dev/bin/stack temporal --topology cluster
	dev/bin/stack demo --topology cluster
	cd dev/cluster && $(LINT) && go test ./...
	AFTERCALL_TEST_REQUIRE=redis,postgres,haproxy,chromium,cluster go test ./dev/local -count=1 -timeout 30m -run TestCluster
	cd dev/cluster && $(GO_BUILD) -o ../bin/temporal-server go.temporal.io/server/cmd/server && $(GO_BUILD) -o ../bin/temporal-sql-tool go.temporal.io/server/cmd/tools/sql
	cd dev/deploy && AFTERCALL_TEST_REQUIRE=redis,postgres,caddy,temporal-server go test -count=1 -run OnPostgres .

.PHONY: simulate
simulate: ## Simulate nights with faults at every seam   (ARGS="-seeds 1..1000 -processes 2")
	go test ./dev/simulation -count=1 -timeout 0 -v -run TestNights $(ARGS)

.PHONY: nightly
nightly: ## Simulate ten thousand nights, in as many processes as there are processors; takes hours
	@$(MAKE) simulate ARGS="-seeds 1..10000 -processes $$(nproc) $(ARGS)"

.PHONY: faults
faults: build ## Inject faults into real processes by seed, and check every call; needs redis-server   (ARGS="--seeds 1..20 --topology dev|cluster")
	@mkdir -p dev/bin
	@cd dev/faults/harness && $(GO_BUILD) -o ../../bin/faults .
	@dev/bin/faults $(ARGS)

.PHONY: load
load: build ## Load real processes with more than they can handle at once, and check every call; needs redis-server   (ARGS="burst|waiting|killed --topology dev|cluster")
	@mkdir -p dev/bin
	@$(GO_BUILD) -o dev/bin/load ./dev/faults/load
	@dev/bin/load $(ARGS)

.PHONY: lint
lint: tools ## gofumpt, golangci-lint, workflowcheck and actionlint
	$(LINT)
	cd dev/bench && $(LINT)
	cd dev/faults/harness && $(LINT)
	cd dev/release && $(LINT)
	cd dev/deploy && $(LINT)
	cd dev/tools/mutate && $(LINT)
	dev/bin/actionlint -shellcheck= -pyflakes=
	dev/bin/workflowcheck -config dev/tools/workflowcheck.yaml ./workflows/...

.PHONY: fmt
fmt: tools ## Format the code
	dev/bin/golangci-lint fmt ./...

.PHONY: tools
tools: dev/bin/golangci-lint dev/bin/workflowcheck dev/bin/actionlint

# Pinned in a module of their own, so that the service's go.mod stays small.
dev/bin/golangci-lint dev/bin/workflowcheck: dev/tools/go.mod dev/tools/go.sum
	@echo "Building the linters from source. This takes some minutes, once."
	@mkdir -p dev/bin
	cd dev/tools && $(GO_BUILD) -o ../bin/ tool

# In a module of its own, because it does not compile with golangci-lint's YAML library.
dev/bin/actionlint: dev/tools/actionlint/go.mod dev/tools/actionlint/go.sum
	@mkdir -p dev/bin
	cd dev/tools/actionlint && $(GO_BUILD) -o ../../bin/ tool

FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## Fuzz what reads foreign input, FUZZTIME=30s for each target   (ARGS=FuzzTariff)
	@grep -roE '^func $(or $(ARGS),Fuzz)[A-Za-z]*' --include='*_test.go' . | while IFS=: read -r file name; do \
		echo "$${name#func }"; \
		go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$${name#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null || exit 1; \
	done

# Where a wrong operator costs money or loses calls.
MUTATE = ./internal/billing ./internal/sweep ./internal/dedupe ./internal/tencent ./starter/callback ./activities ./workflows

.PHONY: mutate
mutate: dev/bin/gremlins ## Change operators and print the changes that no test notices   (ARGS=./internal/sweep)
	@dev/bin/mutate $(or $(ARGS),$(MUTATE))

# In a module of its own, because gremlins would change versions that the linters use.
dev/bin/gremlins: $(wildcard dev/tools/mutate/*)
	@mkdir -p dev/bin
	cd dev/tools/mutate && $(GO_BUILD) -o ../../bin/ . tool

.PHONY: replay-record
replay-record: build temporal ## Record the golden histories again, from committed code only
	@git diff --quiet HEAD -- workflows activities internal || \
		{ echo "commit first: golden histories are recorded from code that is on main"; exit 1; }
	@dev/bin/stack histories

.PHONY: trace
trace: build temporal ## Record the trace of one call for docs/traces.md
	@dev/bin/stack trace

.PHONY: screenshots
screenshots: temporal ## Take the screenshots of README and docs with the browser test (needs Chromium)
	go test ./dev/local -count=1 -run 'TestWebUI|TestStatementPage' -screenshots $(CURDIR)/docs/images

.PHONY: clean
clean: ## Remove built files and the state of the stack
	rm -rf bin dist dev/bin dev/.state
