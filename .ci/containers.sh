# shellcheck shell=bash disable=SC2154
# Checks Dockerfile and compose.yaml: everything is built, run and inspected, on the engine of .ci/docker.sh. Sourced
# by .ci/run.

# Set while containers of the check may run. Name and ports differ from those of a user, so both can run at the same time.
project=''

# Seconds: stop_grace_period.
STOP_GRACE=20

# Runs `docker compose up` on a real engine. The size limits are twice the goals: 30 MB for the service, 15 MB for the others.
step_containers() {
    docker_engine
    base_images
    name_containers
    profiles_are_complete

    start_containers
    the_service_answers "Hello, handson"
    an_image_is_small_and_bare backend 60000000
    an_image_is_small_and_bare loadtest 30000000
    an_image_is_small_and_bare console 30000000
    for container_name in backend httpbin loadtest console; do
        a_process_can_do_nothing_else "$container_name"
    done
    the_console_shows_the_trace
    one_warning_says_that_nobody_listens
    the_load_is_on_schedule
    every_check_is_green
    a_killed_backend_comes_back
    all_stop_in_time
    the_task_works
    another_backend_has_its_own_name

    stop_containers
    stop_docker_engine
}

# compose ARGUMENTS...: runs it as a user does, without .env unless `env_file` names one.
compose() {
    docker compose --project-name "$project" --env-file "${env_file:-/dev/null}" --env-file "$scratch/compose.env" "$@"
}

# The name and ports of the check, and the values for the labels of its images. Port 0 is any free one.
name_containers() {
    project=handson-ci-$$
    commit=$(git rev-parse HEAD)
    printf '%s\n' PORT=0 HTTPBIN_PORT=0 CONSOLE_PORT=0 "TAG=$project" "GIT_COMMIT_SHA=$commit" \
        GIT_REPOSITORY_URL=https://example.com/workshop/handson VERSION=0.0.0-ci >"$scratch/compose.env"
}

start_containers() {
    build_images
    compose up --detach --wait 2>"$scratch/up.log" ||
        complain "not all get healthy:" "$(tail -n 5 "$scratch/up.log")" "$(compose logs --tail 20)"
    compose ps
}

build_images() {
    # The programs are not measured here, so they need no optimization.
    local started=$SECONDS arguments=(--build-arg LTO=off --build-arg CODEGEN_UNITS=16) variable
    # BuildKit defines these arguments: the builder needs the same proxy as this machine.
    for variable in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
        [[ -z ${!variable:-} ]] || arguments+=(--build-arg "$variable=${!variable}")
    done
    compose --progress plain build "${arguments[@]}" "$@" >"$scratch/build.log" 2>&1 ||
        complain "the images do not build:" "$(tail -n 40 "$scratch/build.log")"
    echo "images built in $((SECONDS - started)) s"
}

# Removes everything of this project, in any state.
stop_containers() {
    [[ -n $project ]] || return 0
    compose --profile '*' down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
    docker images --quiet --filter "reference=localhost/*:$project*" | sort -u |
        xargs -r docker image rm --force >/dev/null 2>&1 || true
    # In the user's own engine, images without a name may still be needed.
    [[ -z $engine ]] || docker image prune --force >/dev/null || true
    project=
}

# container SERVICE: prints its id.
container() { compose ps --all --quiet "$1"; }

inspect() { docker inspect --format "$2" "$(container "$1")"; }

# as_host SCRIPT ARGUMENTS...: runs a script on the engine's host, which may be another machine, and where all
# processes are visible.
as_host() {
    docker run --rm --pid host --network none --cap-add SYS_PTRACE --security-opt apparmor=unconfined \
        --entrypoint sh "$(builder_image)" -c "$1" - "${@:2}"
}

# --- The checks ---------------------------------------------------------------------------------------------

# The command that a user types: curl.
the_service_answers() {
    local greeting=$1 answer
    answer=$(curl --silent --show-error --include --max-time 10 "http://$(compose port backend 8080)/handson")
    printf '%s\n' "$answer"
    grep -q '^HTTP/1.1 200 OK' <<<"$answer" || complain "no 200"
    grep -qiE '^traceresponse: 00-[0-9a-f]{32}-[0-9a-f]{16}-01' <<<"$answer" || complain "no traceresponse header"
    grep -qF "{\"message\":\"$greeting\"}" <<<"$answer" || complain "the greeting is not: $greeting"
}

# An image contains only its program and the libraries that it loads: no shell, no package manager, no root.
an_image_is_small_and_bare() {
    local service=$1 most=$2 image id files size revision
    image=$(inspect "$service" '{{.Config.Image}}')
    id=$(docker create "$image")
    files=$(docker export "$id" | tar --list)
    docker rm "$id" >/dev/null
    size=$(docker image inspect --format '{{.Size}}' "$image")
    echo "$service: $size bytes (most: $most)"
    grep -E '^(lib|etc/ssl/certs/ca|[a-z]+$)' <<<"$files" | grep -v '/$' | sed 's/^/    /'

    ((size <= most)) || complain "the image of $service is too large: $size bytes"
    for file in etc/ssl/certs/ca-certificates.crt etc/nsswitch.conf etc/passwd etc/group; do
        grep -qxF "$file" <<<"$files" || complain "the image of $service has no $file"
    done
    ! grep -E '(^|/)(sh|ash|bash|dash|busybox|env|perl|python3?|apt|apt-get|dpkg|rpm|apk|cargo|rustc)$' <<<"$files" ||
        complain "the image of $service holds a shell or a package manager, see above"
    [[ $(docker image inspect --format '{{.Config.User}}' "$image") =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] ||
        complain "the image of $service does not say by number which user it runs as"
    revision=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$image")
    [[ $revision == "$commit" ]] || complain "the image of $service is labelled with commit '$revision'"
}

# The kernel's view of the process: not root, no capabilities, and no way to get any. Root on the host tries to write
# to the root file system: if it is read-only, even root cannot.
a_process_can_do_nothing_else() {
    local service=$1 pid seen
    pid=$(inspect "$service" '{{.State.Pid}}')
    # shellcheck disable=SC2016 # for the other shell
    seen=$(as_host 'grep -E "^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):" "/proc/$1/status"
        for folder in / /etc; do
            LC_ALL=C touch "/proc/$1/root$folder/written" 2>&1 && echo "wrote $folder"
        done; true' "$pid" | tr -s '\t ' ' ')
    printf '%s:\n%s\n' "$service" "$seen" | sed '2,$s/^/    /'
    for line in 'Uid: 10001 10001 10001 10001' 'CapEff: 0000000000000000' 'CapBnd: 0000000000000000' 'NoNewPrivs: 1'; do
        grep -qxF "$line" <<<"$seen" || complain "the process of $service is not: $line"
    done
    [[ $(grep -c 'Read-only file system' <<<"$seen") == 2 ]] || complain "$service can write its root file system"
    seen=$(inspect "$service" '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}')
    [[ $seen =~ ^[1-9][0-9]*' '[1-9][0-9]*' '[1-9][0-9]*$ ]] ||
        complain "$service has no limit of memory, CPU or processes: $seen"
    seen=$(inspect "$service" '{{range .HostConfig.PortBindings}}{{range .}}{{.HostIp}} {{end}}{{end}}')
    [[ $seen =~ ^('127.0.0.1 ')*$ ]] || complain "$service can be reached from other machines, by: $seen"
}

# Five iterations per second, and no failed one: the progress lines must have the right number.
the_load_is_on_schedule() {
    eventually 90 load_is_steady || complain "the load generator does not get to 5 a second:" "$(compose logs loadtest)"
    echo "$steady"
}

load_is_steady() {
    steady=$(compose logs --no-log-prefix loadtest 2>&1 |
        grep -E ' (4\.9[0-9]|5\.0[0-9]) iters/s, 0 failed' | tail -n 1) && [[ -n $steady ]]
}

# If it is stopped alone, it prints the summary, and every check must have passed.
every_check_is_green() {
    local summary status
    compose stop loadtest 2>/dev/null
    summary=$(compose logs --no-log-prefix loadtest 2>&1)
    grep -E '(checks[a-z_]*|http_req_failed|http_req_duration|dropped_iterations|iterations)\.*:' <<<"$summary" ||
        complain "no summary:" "$summary"
    grep -qE 'checks[a-z_]*\.*: 100\.?0*%' <<<"$summary" || complain "not every check is green:" "$summary"
    status=$(inspect loadtest '{{.State.ExitCode}}')
    [[ $status == 0 ]] || complain "the load generator ended with status $status"
    compose start loadtest 2>/dev/null
}

# The traceresponse of the response must lead to the trace, with the spans of the service and of the local httpbin.
the_console_shows_the_trace() {
    local address
    address=http://$(compose port console 4000)
    trace=$(curl --silent --include --max-time 10 "http://$(compose port backend 8080)/handson" |
        sed -n 's/^traceresponse: 00-\([0-9a-f]*\)-.*/\1/Ip')
    [[ -n $trace ]] || complain "no traceresponse header"
    eventually 30 the_trace_is_whole "$address" || complain "the console does not show trace $trace:" \
        "$(curl --silent "$address/traces/$trace" --header 'accept: application/json' | head -c 2000)"
    curl --silent --fail "$address/" >/dev/null || complain "the console's overview does not answer"
    echo "$address/traces/$trace: 13 spans of two services"
}

the_trace_is_whole() {
    local found
    found=$(curl --silent "$1/traces/$trace" --header 'accept: application/json' | grep -o '"spanId"' | wc -l)
    [[ $found -ge 13 ]]
}

# Without a receiver for telemetry, one warning is logged, and the service keeps working.
one_warning_says_that_nobody_listens() {
    [[ $(warnings) == 0 ]] || complain "a warning while the console listens:" "$(compose logs backend)"
    compose stop console 2>/dev/null
    eventually 60 has_warned || complain "no warning that telemetry gets lost:" "$(compose logs backend)"
    [[ $(warnings) == 1 ]] || complain "$(warnings) warnings, not one:" "$(compose logs backend)"
    compose logs --no-log-prefix backend | grep '"WARN"'
    compose start console 2>/dev/null
}

warnings() { compose logs --no-log-prefix backend 2>&1 | grep -c '"level":"WARN"'; }

has_warned() { [[ $(warnings) -ge 1 ]]; }

# A process that dies is restarted. It is killed directly, because `docker kill` would count as intended.
a_killed_backend_comes_back() {
    local started=$SECONDS
    killed=$(inspect backend '{{.State.Pid}}')
    # shellcheck disable=SC2016 # for the other shell
    as_host 'kill -KILL "$1"' "$killed"
    eventually 60 is_back || complain "killed, the backend did not come back:" "$(compose ps --all)"
    echo "back and healthy after $((SECONDS - started)) s; started again: $(inspect backend '{{.RestartCount}}')"
}

is_back() {
    [[ $(inspect backend '{{.State.Health.Status}} {{.State.Pid}}') =~ ^'healthy '([1-9][0-9]*)$ ]] &&
        [[ ${BASH_REMATCH[1]} != "$killed" ]]
}

# All programs end in time with exit status 0. Process 1 is our program, not an init.
all_stop_in_time() {
    local started=$SECONDS took service state
    compose stop 2>/dev/null
    took=$((SECONDS - started))
    echo "stopped in $took s"
    for service in backend httpbin loadtest console; do
        state=$(inspect "$service" '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}')
        echo "$service: $state"
        [[ $state == "exited 0 false" ]] ||
            complain "$service did not end well: $state" "$(compose logs --tail 20 "$service")"
    done
    ((took < STOP_GRACE)) || complain "stopping took $took s"
}

# Another backend is another folder, with its own manifest, lock file and name. This runs in a copy of the tree, with
# a copy of .env.example as a user makes it.
another_backend_has_its_own_name() {
    local tree=$scratch/tree
    mkdir "$tree"
    tracked . | tar -c -T - | tar -x -C "$tree"
    compose down --timeout 5 2>/dev/null
    (
        cd "$tree" || exit
        mkdir -p backend-ci/.cargo
        cp -r src migrations build.rs Cargo.lock backend-ci
        printf '[build]\ntarget-dir = "../target"\n' >backend-ci/.cargo/config.toml
        # The service's manifest with another name, without other members, tests, benchmarks and profiles.
        sed -E -e '/^members = \[$/,/^\]$/d' -e 's#path = "instrumentation"#path = "../instrumentation"#' \
            -e '/^\[\[?(test|bench|profile|dev-dependencies)/,/^$/d' \
            -e '/^\[package\]/,/^\[/s/^name = .*/name = "backend-ci"/' \
            -e '/^\[\[bin\]\]/,/^\[/s/^name = .*/name = "backend-ci"/' Cargo.toml >backend-ci/Cargo.toml
        cargo metadata --quiet --format-version 1 --manifest-path backend-ci/Cargo.toml >/dev/null
        echo BACKEND=backend-ci >>"$scratch/compose.env"
        env_file=.env.example
        build_images backend
        compose up --detach --wait backend 2>/dev/null
        the_service_answers "Hello, handson-ci"
    )
}

# Each profile has one service with its name, and all programs export to it. These images are not ours, so they are
# not pulled for a check.
profiles_are_complete() {
    local profile services endpoints
    for profile in collector lgtm datadog; do
        services=$(COMPOSE_PROFILES=$profile compose config --services)
        grep -qxF "$profile" <<<"$services" || complain "the profile $profile has no service of its name"
        endpoints=$(COMPOSE_PROFILES=$profile compose config --format json |
            grep -oE '"OTEL_EXPORTER_OTLP_ENDPOINT": "[^"]*"' | sort -u)
        [[ $endpoints == *": \"http://$profile:4318\"" ]] || complain "with $profile, telemetry goes to $endpoints"
    done
    the_agent_wants_a_key
    ebpf_is_the_only_source
}

# With the profile obi, the SDKs of all three programs are off, even if .env turns them on. OBI sends to the console,
# and has the rights that it needs, but not all of them.
ebpf_is_the_only_source() {
    local config switches
    switches=$(COMPOSE_PROFILES='' OTEL_SDK_DISABLED=false compose config --format json |
        grep -oE '"OTEL_SDK_DISABLED": "[^"]*"' | sort | uniq -c | tr -s ' ')
    [[ $switches == ' 3 "OTEL_SDK_DISABLED": "false"' ]] || complain "without a profile, the SDKs get:" "$switches"

    config=$(COMPOSE_PROFILES=obi OTEL_SDK_DISABLED=false compose config --format json)
    switches=$(grep -oE '"OTEL_SDK_DISABLED": "[^"]*"' <<<"$config" | sort | uniq -c | tr -s ' ')
    [[ $switches == ' 3 "OTEL_SDK_DISABLED": "true"' ]] || complain "with the profile obi, the SDKs get:" "$switches"
    grep -qF '"OTEL_EXPORTER_OTLP_ENDPOINT": "http://console:4318"' <<<"$config" ||
        complain "OBI does not send to the console"
    grep -qF '"PERFMON"' <<<"$config" || complain "OBI has no right to attach a kprobe"
    ! grep -qE '"privileged"|"SYS_ADMIN"' <<<"$config" || complain "OBI has more rights than it needs"
}

the_agent_wants_a_key() {
    local said status=0
    said=$(env -u DD_API_KEY infrastructure/local/datadog.sh echo started 2>&1) || status=$?
    [[ $status == 1 && $said == *"DD_API_KEY is missing"* && $(wc -l <<<"$said") == 1 ]] ||
        complain "without a key, the Agent's start says ($status): $said"
    said=$(DD_API_KEY=0123 infrastructure/local/datadog.sh echo started)
    [[ $said == started ]] || complain "with a key, the Agent's start says: $said"
}

# The whole ECS task, with the images that Compose has built.
the_task_works() {
    local images=() service
    for service in backend loadtest console; do images+=("$(inspect "$service" '{{.Config.Image}}')"); done
    PYTHON=$pyyaml infrastructure/task-test/run.sh "${images[@]}" "$(builder_image)" "$commit"
}
