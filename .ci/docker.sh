# shellcheck shell=bash disable=SC2154
# A Docker engine with Compose, BuildKit and the images that the Dockerfile begins with, on any machine. What answers is
# used as it is; what is missing is started, built or made, from package registries alone. Sourced by .ci/run, which
# sets `cache`, and `scratch` to a folder that goes at the end.

COMPOSE_VERSION=5.6.0
# The oldest that reads compose.yaml.
COMPOSE_OLDEST=2.24
BUILDX_VERSION=0.30.1

engine=''
as_root=()
[[ $EUID -eq 0 ]] || as_root=(sudo)

# Everything of the engine that it starts lies in folders of our own: what a Docker on this machine has stays untouched,
# and what was built once is there for the next run.
docker_engine() {
    command -v docker >/dev/null && docker version >/dev/null 2>&1 && return
    [[ $(uname) == Linux ]] || complain "no Docker engine answers: start Docker"
    needs dockerd docker.io
    needs docker docker.io
    # Installing may have started it.
    docker version >/dev/null 2>&1 && return

    echo "no Docker engine answers: starting one of our own"
    # Two of them cannot share a folder. The lock goes with this process.
    exec {engine_lock}>"$cache/docker.lock"
    flock --nonblock "$engine_lock" || { echo "waiting for the one of another run" && flock "$engine_lock"; }
    "${as_root[@]}" dockerd --data-root "$cache/docker" --exec-root "$scratch/docker" --pidfile "$scratch/docker.pid" \
        --host "unix://$scratch/docker.sock" --group "$(id -gn)" {engine_lock}>&- >"$scratch/docker.log" 2>&1 &
    engine=$!
    export DOCKER_HOST=unix://$scratch/docker.sock BUILDX_BUILDER=default
    for _ in {1..300}; do
        sleep 0.2
        if docker version >/dev/null 2>&1; then
            # What an earlier run left behind by its sudden end would come back now.
            docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
            return
        fi
        kill -0 "$engine" 2>/dev/null || break
    done
    complain "the Docker engine does not start:" "$(tail -n 20 "$scratch/docker.log")"
}

# Ends the engine that docker_engine started. Nothing of it may be left: `scratch` holds its sockets and mounts.
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

# Compose and buildx: those of this machine, else built by Go.
docker_plugins() {
    local folder=$cache/docker-cli-$COMPOSE_VERSION-$BUILDX_VERSION compose
    compose=$(docker compose version --short 2>/dev/null) || compose=0
    if printf '%s\n' "$COMPOSE_OLDEST" "${compose#v}" | sort -C -V &&
        docker buildx version >/dev/null 2>&1; then
        return
    fi
    if [[ ! -e $folder/complete ]]; then
        command -v go >/dev/null || complain "Docker Compose or buildx is missing: install them, or Go to build them"
        # At the end the variable that holds the version: without a version, Compose refuses buildx.
        docker_plugin "$folder" docker-compose github.com/docker/compose/v5/cmd "v$COMPOSE_VERSION" \
            github.com/docker/compose/v5/internal.Version
        docker_plugin "$folder" docker-buildx github.com/docker/buildx/cmd/buildx "v$BUILDX_VERSION" \
            github.com/docker/buildx/version.Version
        touch "$folder/complete"
    fi
    # The client looks for plugins here, and for nothing of the user's.
    export DOCKER_CONFIG=$folder
}

docker_plugin() {
    local folder=$1 name=$2 package=$3 version=$4 variable=$5
    (
        mkdir "$scratch/$name"
        cd "$scratch/$name"
        go mod init tool
        go get -tool "$package@$version"
        go build -trimpath -ldflags "-s -w -X $variable=$version" -o "$folder/cli-plugins/$name" "$package"
    ) >"$scratch/$name.log" 2>&1 || complain "$name $version does not build:" "$(tail -n 20 "$scratch/$name.log")"
}

# What the Dockerfile begins with and does not make itself: the builder alone.
builder_image() { sed -nE 's/^FROM ([^ ]+:[^ ]+)( .*)?$/\1/p' Dockerfile | sort -u; }

# The images that the Dockerfile begins with.
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

# Debian with a C compiler, and this machine's Rust: what the image of that name has. Added is how this machine reaches
# its registries: its certificates, and where Cargo is told to look.
make_rust_image() {
    local image=$1 root=$scratch/base sysroot config
    [[ $image == rust:*-slim-* ]] || complain "no way to make $image"
    sysroot=$(rustc --print sysroot)
    [[ $sysroot != /usr ]] || complain "$image is made from a Rust that rustup has installed"
    needs debootstrap debootstrap debian-archive-keyring
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
