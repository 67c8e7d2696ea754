#!/usr/bin/env bash
# The steps of the Dockerfile that two images share. It runs in the builder, where it is called `image`.
set -euo pipefail

# sources FOLDER: what a build of FOLDER reads goes to /sources, and to /skeleton what decides about its dependencies:
# manifests, locks, settings of Cargo, and a stub for each target, as Cargo asks that they exist.
sources() {
    local folder=$1
    mkdir -p "/sources/$folder"
    if [[ $folder == . ]]; then
        # The workspace, without the backends: somebody else's work is no reason to build again.
        find /tree -mindepth 1 -maxdepth 1 ! -name 'backend-*' -exec cp -a -t /sources {} +
    else
        cp -a "/tree/$folder/." "/sources/$folder"
        # The layers that each backend depends on by path.
        cp -a /tree/instrumentation /sources/instrumentation
    fi
    [[ -f /sources/$folder/Cargo.toml ]] || fail "BACKEND=$folder is no folder with a Cargo.toml"

    cp -a /sources /skeleton
    cd /skeleton
    find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/.cargo/config.toml' ! -name '*.rs' -delete
    find . -name '*.rs' ! -name main.rs ! -name lib.rs ! -name build.rs \
        '(' -path '*/src/*' -o -path '*/tests/*/*' -o -path '*/benches/*/*' ')' -delete
    find . -name '*.rs' -exec bash -c 'for file; do echo "fn main() { }" >"$file"; done' - {} +
    find . -type d -empty -delete
}

# dependencies FOLDER: compiles all that the package in FOLDER needs, with the stubs in place of the package itself.
dependencies() { compile "$1"; }

# program FOLDER NAME: compiles the package in FOLDER, whose one program becomes /NAME of the file system in /image.
program() {
    local folder=$1 name=$2 executable
    # Cargo compares times. Sources keep theirs from the checkout, so they may be older than what the stubs gave.
    find . -exec touch {} +
    compile "$folder" --message-format=json-render-diagnostics >/tmp/messages
    # The program is called as its package is, and a copy of a folder may have kept the name of the original.
    executable=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' /tmp/messages)
    [[ -f $executable ]] || fail "$folder gives not one program, but: ${executable:-none}"

    install -D --mode 755 "$executable" "/image/$name"
    # The loader, and the libraries where the loader looks for them: both differ between architectures.
    ldd "$executable" | grep -oE '/[^ ]+' | xargs cp --parents --dereference --target-directory /image
    install -D --mode 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt
    echo 'hosts: files dns' >/image/etc/nsswitch.conf
    echo 'handson:x:10001:10001::/:/nonexistent' >/image/etc/passwd
    echo 'handson:x:10001:' >/image/etc/group
    # The same input gives the same layer.
    find /image -exec touch --no-dereference --date @0 {} +
}

compile() {
    local manifest=$1/Cargo.toml features=()
    shift
    if grep -q '^jemalloc = ' "$manifest"; then
        features=(--features jemalloc)
        # Its page size is fixed when it is built. Kernels of arm64 have pages of up to 64 KiB.
        [[ $(uname -m) != aarch64 ]] || export JEMALLOC_SYS_WITH_LG_PAGE=16
    fi
    cargo build --release --locked --bins --manifest-path "$manifest" "${features[@]}" "$@"
}

fail() {
    echo "$*" >&2
    exit 1
}

"$@"
