# The commands of everyday work. CONTRIBUTING.md has their durations. `.ci/run` is the whole check; it calls these
# recipes.

set shell := ["bash", "-euo", "pipefail", "-c"]
set ignore-comments := true

# The pinned tools come first on the PATH. They exist after `just setup`.
export PATH := shell('.ci/run --path') + ":" + env("PATH")

# Not searched for unusual words: other languages, and texts that we have not written.
WORDS_UNCHECKED := "':!workshop/guide/ja' ':!LICENSE*' ':!*.lock' ':!otlp/proto' ':!*requirements.txt'"

[private]
default:
    @just --list --unsorted

# install the pinned tools, for all steps or only these
setup *STEPS:
    .ci/run --setup {{ STEPS }}

# format Rust, TOML and Terraform files in place
fmt: (_needs "taplo")
    cargo fmt --all
    RUST_LOG=warn taplo fmt
    ! command -v terraform >/dev/null || terraform fmt -recursive infrastructure

# check formatting, spelling, links, workflows, licences and more, and run clippy
lint: (_needs "typos" "taplo" "yamllint" "shellcheck" "lychee" "check-jsonschema" "actionlint" "zizmor" "hadolint" "ruff" "cargo-deny" "textlint")
    cargo fmt --all --check
    typos
    # Unusual words, and the usual ones, are listed in _words.txt.
    if git grep -nIiP -f <(sed '/^#/d; s/\t.*//' _words.txt) -- ':(exclude)_words.txt' {{ WORDS_UNCHECKED }}; then exit 1; else [[ $? -eq 1 ]]; fi
    # rustfmt wraps code at max_width, but not comments. Markers of steps, tables, and code in comments cannot be wrapped.
    if git grep -nP '^(?=.{111}) *//[/!]? (?!BEFORE |# |\||\{|<http)' -- '*.rs'; then exit 1; else [[ $? -eq 1 ]]; fi
    # Japanese: one word for one thing (.ci/textlint/prh.yml), and the rules for technical texts.
    python3 .ci/textlint/check.py
    RUST_LOG=warn taplo fmt --check
    yamllint --strict .
    git ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck --external-sources
    git ls-files -z -- '*.md' | xargs -0 lychee --offline --include-fragments --no-progress --quiet
    check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.y*ml
    check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
    check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
    actionlint
    zizmor --offline --quiet --no-progress .github
    hadolint Dockerfile
    ruff format --quiet --check examples/python
    ruff check --quiet examples/python
    # Paths of a developer's machine are useless for others.
    if git grep --untracked -nIE '(^|[^A-Za-z0-9._/-])/(root|work|home/[a-z]+|Users/[A-Za-z]+)/'; then exit 1; else [[ $? -eq 1 ]]; fi
    # The size of the check is limited, so that it can be read.
    git ls-files -z -- .ci | grep -zE '(\.(sh|py|go)|/run)$' | xargs -0 cat | awk 'END { print NR " lines of program under .ci (at most 2000)"; exit NR > 2000 }'
    # Every step of .ci/run has a job on GitHub.
    for step in $(.ci/run --list); do grep -qE "(steps:|\.ci/run) .*\b$step\b" .github/workflows/ci.yml || { echo "ci.yml does not run the step $step" >&2; exit 1; }; done
    # Cargo.lock is what Cargo.toml asks for.
    cargo metadata --locked --format-version 1 >/dev/null
    cargo deny check --hide-inclusion-graph licenses bans sources
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# run all tests that need no other program
test:
    cargo test --workspace

# build the documentation, with warnings as errors
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --document-private-items

# build and check the service after each step of the workshop, and wrong answers
states:
    cargo test --workspace --test states --test checks -- --ignored

# start everything as a newcomer, an attendee, a browser, and other OpenTelemetry programs do
programs:
    .ci/run readme options newcomer guide up exporters datadog collector k6 saturation examples

# build the images, and run `docker compose up` and the ECS task
containers:
    .ci/run containers

# check Terraform, PipeCD and ECS files
deploy:
    .ci/run terraform pipecd
    cargo test --workspace --test checks deploy

# show that the benchmarks work; CONTRIBUTING.md says how to measure
bench:
    .ci/run bench peers

# compare the console with Jaeger and otel-desktop-viewer, which are built by Go first: a quarter of an hour
bench-console:
    just _go-program jaeger github.com/jaegertracing/jaeger/cmd/jaeger v1.76.0
    just _go-program otel-desktop-viewer github.com/CtrlSpice/otel-desktop-viewer v0.4.1
    cargo bench --package handson-console --bench viewers -- --jaeger "$PWD/target/go/jaeger/program" --desktop-viewer "$PWD/target/go/otel-desktop-viewer/program"

# run the whole check, as CI does
ci:
    .ci/run

# A module of its own for each program, because `go install` refuses some, and their dependencies differ.
[private]
_go-program NAME PACKAGE VERSION:
    mkdir -p target/go/{{ NAME }}
    cd target/go/{{ NAME }} && { [[ -f go.mod ]] || go mod init program; } && go get -tool {{ PACKAGE }}@{{ VERSION }} && go build -o program {{ PACKAGE }}

[private]
_needs +COMMANDS:
    @for command in {{ COMMANDS }}; do command -v "$command" >/dev/null || { echo "$command is missing: run 'just setup lint'" >&2; exit 1; }; done
