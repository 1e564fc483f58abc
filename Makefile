# The two commands: `make demo` shows the product, `make test` proves it. The rest is for those who work on it.

# Build output lives outside the checkout, so that a fresh clone builds warm.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/outpace/target
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test e2e console lint deny fuzz amd-data bench bench-ci bench-baseline pacing soak setup

# More for `outpace demo`: make demo DEMO_ARGS="--leads 50 --agents 5"
DEMO_ARGS ?=

demo: setup console
	cargo build --workspace --bins
	$(CARGO_TARGET_DIR)/debug/outpace demo $(DEMO_ARGS)

test: setup console lint
	cargo test --workspace
	cargo build --workspace --bins
	npm --prefix console run --silent lint
	npm --prefix console test

# The console in Chromium against the real binary, alone.
e2e: setup console
	cargo build --workspace --bins
	npm --prefix console run --silent e2e

# The web console, which cargo puts into the binary: built again when its sources or the API's document changed.
console:
	scripts/console

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet

# Licences, banned crates and sources of the whole dependency tree.
deny:
	scripts/deny

# Feeds the parsers with mutated bytes; SECONDS_EACH=60 by default.
fuzz:
	scripts/fuzz

# Criterion, then every mode on both drivers and signalling next to SIPp, kept in bench/results with date and machine.
bench: setup
	cargo bench --workspace
	cargo build --release -p outpace-server -p outpace-bench
	$(CARGO_TARGET_DIR)/release/outpace-bench all
	$(CARGO_TARGET_DIR)/release/outpace-bench imports

# The gate: allocations, leaks, ratios to the floor beyond the baseline, and occupancy beyond the kept figures. Measures the build of `make test`.
bench-ci:
	cargo build --workspace --bins
	$(CARGO_TARGET_DIR)/debug/outpace-bench ci
	$(CARGO_TARGET_DIR)/debug/outpace-bench pacing --check

# On a quiet machine, after a change that is meant to cost something.
bench-baseline:
	cargo build --workspace --bins
	$(CARGO_TARGET_DIR)/debug/outpace-bench baseline

# The laws of pacing in the simulator: docs/pacing.md. Minutes; hours with PACING_ARGS=--full (--threads N, --seed K).
PACING_ARGS ?=
pacing:
	cargo build -p outpace-bench
	$(CARGO_TARGET_DIR)/debug/outpace-bench pacing $(PACING_ARGS)

# Labelled openings of answered calls to train and examine answer detection (docs/answer-detection.md).
AMD_DATA ?= $(HOME)/.cache/outpace/amd
amd-data:
	scripts/amd-data $(AMD_DATA)

# 1,000 phones, 200 calls a second, five minutes: nothing may be left. Then 200 kills of a running campaign on each
# database, and a database that is frozen for 30 s; ten minutes of a live campaign beside the simulator's band; then a day
# of boards through the console; an hour in all, on a machine that has nothing else to do.
soak: setup console
	cargo test --release -p outpace-tests --test soak_leaks -- --ignored --nocapture soak_leaks
	cargo test --release -p outpace-server --test serve -- --ignored --nocapture --test-threads 1 soak_
	cargo test --release -p outpace-server --test demo -- --ignored --nocapture soak_
	npm --prefix console run --silent soak:heap

setup:
	@[ -n "$$OUTPACE_SKIP_SETUP" ] || scripts/setup
