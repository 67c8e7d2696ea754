#!/usr/bin/env bash
# The common steps of two images in the Dockerfile. It runs in the builder, where its name is `image`.
set -euo pipefail

# sources FOLDER: copies the sources that a build of FOLDER reads to /sources, and the files that determine its
# dependencies to /skeleton: manifests, lock files, Cargo's settings, and a stub for each target, because Cargo
# requires that they exist.
sources() {
    local folder=$1
    mkdir -p "/sources/$folder"
    if [[ $folder == . ]]; then
        # The workspace without the backends, so that somebody else's work does not cause another build.
        find /tree -mindepth 1 -maxdepth 1 ! -name 'backend-*' -exec cp -a -t /sources {} +
    else
        cp -a "/tree/$folder/." "/sources/$folder"
        # The layers, on which each backend depends by path.
        cp -a /tree/instrumentation /sources/instrumentation
    fi
    [[ -f /sources/$folder/Cargo.toml ]] || fail "BACKEND=$folder is not a folder with a Cargo.toml"

    cp -a /sources /skeleton
    cd /skeleton
    find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/.cargo/config.toml' ! -name '*.rs' -delete
    find . -name '*.rs' ! -name main.rs ! -name lib.rs ! -name build.rs \
        '(' -path '*/src/*' -o -path '*/tests/*/*' -o -path '*/benches/*/*' ')' -delete
    find . -name '*.rs' -exec bash -c 'for file; do echo "fn main() { }" >"$file"; done' - {} +
    find . -type d -empty -delete
}

# dependencies FOLDER: compiles all dependencies of the package in FOLDER, with stubs instead of the package itself.
dependencies() { compile "$1"; }

# program FOLDER NAME: compiles the package in FOLDER. Its only program becomes /NAME in the file system in /image.
program() {
    local folder=$1 name=$2 executable
    # Cargo compares modification times. Sources keep theirs from the checkout, so they may be older than the output
    # of the stubs.
    find . -exec touch {} +
    compile "$folder" --message-format=json-render-diagnostics >/tmp/messages
    # The program has the name of its package, and a copied folder may have kept the package name of the original.
    executable=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' /tmp/messages)
    [[ -f $executable ]] || fail "$folder gives not one program, but: ${executable:-none}"

    install -D --mode 755 "$executable" "/image/$name"
    # The loader and the libraries, at the paths where the loader searches them: both differ between architectures.
    ldd "$executable" | grep -oE '/[^ ]+' | xargs cp --parents --dereference --target-directory /image
    install -D --mode 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt
    echo 'hosts: files dns' >/image/etc/nsswitch.conf
    echo 'handson:x:10001:10001::/:/nonexistent' >/image/etc/passwd
    echo 'handson:x:10001:' >/image/etc/group
    # With fixed times, the same input gives the same layer.
    find /image -exec touch --no-dereference --date @0 {} +
}

compile() {
    local manifest=$1/Cargo.toml features=()
    shift
    if grep -q '^jemalloc = ' "$manifest"; then
        features=(--features jemalloc)
        # jemalloc's page size is fixed at compile time, and arm64 kernels have pages of up to 64 KiB.
        [[ $(uname -m) != aarch64 ]] || export JEMALLOC_SYS_WITH_LG_PAGE=16
    fi
    cargo build --release --locked --bins --manifest-path "$manifest" "${features[@]}" "$@"
}

fail() {
    echo "$*" >&2
    exit 1
}

"$@"
