# The two commands: `make demo` shows the product, `make test` proves it. The rest is for those who work on it.

# Build output lives outside the checkout, so that a fresh clone builds warm.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/outpace/target
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test lint deny fuzz bench setup

demo: setup
	cargo build --workspace --bins
	$(CARGO_TARGET_DIR)/debug/outpace demo

test: setup lint
	cargo test --workspace

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

bench: setup
	cargo bench --workspace

setup:
	@[ -n "$$OUTPACE_SKIP_SETUP" ] || scripts/setup
