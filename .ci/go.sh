# shellcheck shell=bash disable=SC2016,SC2154
# The tools that Go builds: k6 and an OpenTelemetry Collector, pinned, and kept in the user's cache folder. They come
# from the Go module proxy, as no release file can be downloaded everywhere. Sourced by .ci/run, as .ci/tools.sh is.

K6_VERSION=1.8.1
OCB_VERSION=0.160.0

# False where Go is missing, and says so. Where Go is, a step that needs it always runs.
has_go() {
    command -v go >/dev/null || not_run='it needs a tool that Go builds, and there is no `go` on the PATH'
    [[ -z $not_run ]]
}

# go_install FOLDER MODULE@VERSION: builds into a folder that is there only once it is whole.
go_install() {
    local folder=$1
    [[ ! -e $folder ]] || return 0
    rm -rf "$folder.new"
    GOBIN=$folder.new GOFLAGS=-trimpath go install -ldflags '-s -w' "$2"
    mv "$folder.new" "$folder"
}

# Sets K6 to the path of k6.
build_k6() {
    local folder=$cache/k6-$K6_VERSION
    go_install "$folder" "go.k6.io/k6@v$K6_VERSION"
    export K6=$folder/k6
}

# Sets OTELCOL to the path of a Collector with the components of .ci/collector-builder.yaml.
build_otelcol() {
    local folder manifest=$PWD/.ci/collector-builder.yaml
    folder=$cache/otelcol-$(cksum <"$manifest" | cut -d' ' -f1)
    if [[ ! -e $folder ]]; then
        go_install "$cache/ocb-$OCB_VERSION" "go.opentelemetry.io/collector/cmd/builder@v$OCB_VERSION"
        # The manifest's output path is relative.
        (cd "$scratch" && "$cache/ocb-$OCB_VERSION/builder" --config "$manifest")
        rm -rf "$folder.new"
        mkdir "$folder.new"
        mv "$scratch/otelcol/otelcol" "$folder.new"
        mv "$folder.new" "$folder"
    fi
    export OTELCOL=$folder/otelcol
}
