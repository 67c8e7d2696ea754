# shellcheck shell=bash disable=SC2154
# Provides a Docker engine, and the base image of the Dockerfile, on any machine. An engine that responds is used,
# otherwise one is started; an image that cannot be pulled is created from packages. Sourced by .ci/run, as
# .ci/setup.sh is.

engine=''

# The engine that is started here has its own folders: it does not touch the data of another Docker on this machine,
# and the next run can reuse what was built.
docker_engine() {
    docker version >/dev/null 2>&1 && return

    echo "no Docker engine responds: starting one"
    # Two engines cannot share a folder. The lock ends with this process.
    exec {engine_lock}>"$cache/docker.lock"
    flock --nonblock "$engine_lock" || { echo "waiting for the engine of another run" && flock "$engine_lock"; }
    "${as_root[@]}" dockerd --data-root "$cache/docker" --exec-root "$scratch/docker" --pidfile "$scratch/docker.pid" \
        --host "unix://$scratch/docker.sock" --group "$(id -gn)" {engine_lock}>&- >"$scratch/docker.log" 2>&1 &
    engine=$!
    export DOCKER_HOST=unix://$scratch/docker.sock BUILDX_BUILDER=default
    for _ in {1..300}; do
        sleep 0.2
        if docker version >/dev/null 2>&1; then
            # Containers that an interrupted run left behind would be restarted now.
            docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
            return
        fi
        kill -0 "$engine" 2>/dev/null || break
    done
    complain "the Docker engine does not start:" "$(tail -n 20 "$scratch/docker.log")"
}

# Stops the engine that docker_engine started, and removes its sockets and mounts from `scratch`.
stop_docker_engine() {
    [[ -n $engine ]] || return 0
    if kill -0 "$engine" 2>/dev/null; then
        "${as_root[@]}" kill -TERM "$(<"$scratch/docker.pid")" 2>/dev/null || true
    fi
    wait "$engine" || true
    "${as_root[@]}" rm -rf "$scratch/docker"
    engine=
    exec {engine_lock}>&-
}

# The base image of the Dockerfile: the builder.
builder_image() { sed -nE 's/^FROM ([^ ]+:[^ ]+)( .*)?$/\1/p' Dockerfile | sort -u; }

base_images() {
    local image
    for image in $(builder_image); do
        if docker image inspect "$image" >/dev/null 2>&1; then
            continue
        fi
        if ! timeout 300 docker pull --quiet "$image" 2>"$scratch/pull.log"; then
            echo "$image cannot be pulled: $(tail -n 1 "$scratch/pull.log")"
            echo "making it from packages and $(rustc --version)"
            make_rust_image "$image"
        fi
    done
}

# Debian with a C compiler and this machine's Rust, as in the image of that name. This machine's certificates and Cargo's
# settings for registries are added, so that the build reaches the registries that this machine reaches.
make_rust_image() {
    local image=$1 root=$scratch/base sysroot config
    [[ $image == rust:*-slim-* ]] || complain "no way to make $image"
    sysroot=$(rustc --print sysroot)
    [[ $sysroot != /usr ]] || complain "$image is made from a Rust that rustup has installed"
    "${as_root[@]}" debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev "${image##*-}" "$root" \
        >"$scratch/debootstrap.log" || complain "debootstrap:" "$(tail -n 20 "$scratch/debootstrap.log")"

    tar -C "$sysroot" --exclude lib/rustlib/src -c bin/cargo bin/rustc lib |
        "${as_root[@]}" tar -C "$root/usr/local" -x --no-same-owner
    mkdir "$scratch/certificates"
    awk -v folder="$scratch/certificates" '/BEGIN CERTIFICATE/ { file = folder "/" ++count ".crt" } file { print >file }
        /END CERTIFICATE/ { close(file); file = "" }' "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
    "${as_root[@]}" cp -r "$scratch/certificates" "$root/usr/local/share/ca-certificates/machine"
    "${as_root[@]}" chroot "$root" update-ca-certificates >"$scratch/certificates.log" 2>&1
    config=${CARGO_HOME:-$HOME/.cargo}/config.toml
    if [[ -f $config ]]; then
        "${as_root[@]}" mkdir -p "$root/usr/local/cargo"
        awk '/^\[/ { keep = /^\[+(source|registries|registry|http|net)/ } keep' "$config" |
            "${as_root[@]}" tee "$root/usr/local/cargo/config.toml" >/dev/null
    fi

    "${as_root[@]}" tar -C "$root" -c . | docker import --change 'ENV CARGO_HOME=/usr/local/cargo' \
        --change 'ENV PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        - "$image" >/dev/null
    "${as_root[@]}" rm -rf "$root"
}
