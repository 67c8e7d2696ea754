# shellcheck shell=bash disable=SC2154
# What the steps of .ci/run use, and the tools that they bring: pinned, and kept in the user's cache folder. Sourced by
# .ci/run, which sets `cache`, and `scratch` to a folder that goes at the end.

CARGO_DENY_VERSION=0.20.2

complain() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Files that git tracks, and those that are new and not ignored.
tracked() { git ls-files --cached --others --exclude-standard --deduplicate -- "$@" | while read -r file; do
    [[ ! -f $file ]] || printf '%s\n' "$file"
done; }

# needs COMMAND PACKAGE...: installs Debian packages where a command is missing.
needs() {
    local command=$1
    shift
    if command -v "$command" >/dev/null; then
        return
    fi
    command -v apt-get >/dev/null || complain "$command is missing: install it"
    debian_packages "$@"
}

debian_packages() {
    local as_root=()
    [[ $EUID -eq 0 ]] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# Puts the linters of .ci/requirements.txt first on the PATH.
python_tools() {
    python_packages .ci/requirements.txt
    [[ $PATH == "$venv/bin:"* ]] || PATH=$venv/bin:$PATH
}

# python_packages FILE: sets `venv` to a folder in which the packages of FILE are installed.
python_packages() {
    venv=$cache/python-$(cksum <"$1" | cut -d' ' -f1)
    if [[ -e $venv/complete ]] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    needs python3 python3 python3-venv
    python3 -c 'import ensurepip' 2>/dev/null || debian_packages python3-venv
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$1"
    touch "$venv/complete"
}

# Puts cargo-deny on the PATH. A target folder of its own: what it is built from is of no use to the project.
cargo_deny() {
    local root=$cache/cargo-deny-$CARGO_DENY_VERSION
    if [[ ! -x $root/bin/cargo-deny ]]; then
        CARGO_TARGET_DIR=$scratch/cargo-deny \
            CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --debug --locked --version "$CARGO_DENY_VERSION" --root "$root"
    fi
    PATH=$root/bin:$PATH
}
