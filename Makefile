# Everything a developer types. `make` lists it; nothing has to be set up before.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Go's installer puts it here, where a login shell often does not look.
export PATH := $(PATH):/usr/local/go/bin

# The linters are pinned in a module of their own, so that the service does not inherit their dependencies.
golangci := go tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## build the service and serve on 127.0.0.1:8080
	./bin/usersvc serve

.PHONY: demo
demo: build ## fill an empty database with a made-up year, to look around in
	./bin/usersvc demo

# Without the commit's stamp, for which git would have to trust the folder's owner, and what debuggers alone need.
.PHONY: build
build: ## build bin/usersvc, a static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o bin/usersvc ./cmd/usersvc

# The race detector needs cgo, and Go turns cgo off by itself when it finds no C compiler.
.PHONY: test
test: export CGO_ENABLED := 1
test: compiler ## run every test, on a PostgreSQL that the tests start themselves
	@go test -race -shuffle=on -timeout=10m ./... | $(some_test_ran)

# Go calls a run without tests a success. It shows in the summary lines, which pass through unchanged.
some_test_ran := awk '{ print; fflush() } \
	/^ok / && !/\[no tests to run\]/ { ran = 1 } \
	END { if (!ran) { print "no test ran" > "/dev/stderr"; exit 1 } }'

.PHONY: compiler
compiler:
	@cc=$$(go env CC); command -v $${cc%% *} >/dev/null || { \
		echo "The race detector needs a C compiler, and $$cc was not found. Install one and try again:" >&2; \
		echo "  Debian, Ubuntu  apt-get install gcc libc6-dev" >&2; \
		echo "  Fedora, RHEL    dnf install gcc" >&2; \
		echo "  Alpine          apk add gcc musl-dev" >&2; \
		echo "  macOS           xcode-select --install" >&2; \
		exit 1; }

.PHONY: check
check: lint vulnerabilities ## what CI runs: the linters, known vulnerabilities, then the tests
	@go mod verify
	@$(MAKE) --no-print-directory test

# The data is on the network. Where that cannot be reached, it is said and nothing fails: govulncheck's own status is 3 when it
# has found something.
.PHONY: vulnerabilities
vulnerabilities: ## look for known vulnerabilities in what the program calls
	@go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./cmd/usersvc || { [ $$? != 3 ] || exit 1; echo "not checked for known vulnerabilities: their data cannot be reached" >&2; }

# CycloneDX, with the licence of each.
.PHONY: sbom
sbom: ## list what the binary is made of, in bin/sbom.json
	@mkdir -p bin
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0 app -json -licenses -std -main cmd/usersvc -output bin/sbom.json .

# The first run builds the linters from source, which takes a few minutes.
.PHONY: lint
lint: ## run the linters, the import rules among them
	$(golangci) run

.PHONY: fmt
fmt: ## format the code
	$(golangci) fmt

.PHONY: screenshots
screenshots: ## take the pictures of docs/screenshots anew; needs chromium
	USERSVC_SCREENSHOTS=$(CURDIR)/docs/screenshots go test ./cmd/usersvc -count=1 -run='^TestConsole$$'

.PHONY: bench
bench: ## measure against the simpler designs, side by side, and write docs/benchmarks.md
	go run ./bench -write docs

.PHONY: bench-transfer
bench-transfer: ## measure the export and the import of a million events
	go run ./bench transfer

.PHONY: bench-rebuild
bench-rebuild: ## measure how fast, and in how much memory, a projection is made again
	go run ./bench rebuild

.PHONY: bench-past
bench-past: ## measure reads of the past beside those of now, and what its rows cost
	go run ./bench past

.PHONY: bench-observed
bench-observed: ## measure what metrics and logs cost, beside a build without them
	go run ./bench -period 2s observed

.PHONY: bench-scale
bench-scale: ## measure what grows with the log, up to ten million events; takes half an hour and 40 GB
	go run ./bench scale

.PHONY: bench-soak
bench-soak: ## keep the service at the most that it can do for half an hour, and look at what grows
	go run ./bench -period 30m soak

# One check after the other, as their limits of time count. The short profile is part of `make test`.
torture = go test ./torture -count=1 -v

.PHONY: torture
torture: ## kill, freeze and cut off the service and its database, and check that nothing is lost
	$(torture) -timeout=20m -torture.profile=reduced

.PHONY: torture-full
torture-full: ## the same with the counts of docs/reliability.md
	$(torture) -timeout=60m -torture.profile=full

.PHONY: torture-teeth
torture-teeth: ## take each safeguard away, and see that the check that is there for it fails
	$(torture) -timeout=30m -tags=teeth -run='^TestTeeth$$'

# The data folder is never touched.
.PHONY: clean
clean: ## remove what was built
	rm -rf bin
