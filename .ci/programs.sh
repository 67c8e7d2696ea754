# shellcheck shell=bash disable=SC2154
# The steps that start programs of this repository and check their behaviour. Sourced by .ci/run, as .ci/setup.sh is.
#
# `--workspace` with `--test` or `--bench` selects the same features of dependencies everywhere. With `--package`, Cargo would
# compile most of them again.

built=${CARGO_TARGET_DIR:-target}/debug

# The programs of the workspace, with the features that `cargo test --workspace` selects, so that nothing is compiled twice.
build_programs() { cargo build --workspace --bins --tests; }

# The README's commands: `cargo run`, curl, and a signal at the end. They use a free port, because 8080 may be in use.
step_readme() {
    local log=$scratch/service.log answer=$scratch/answer address='' status=0
    cargo build
    PORT=0 cargo run --quiet >"$log" 2>&1 &
    service=$!
    for _ in {1..100}; do
        sleep 0.1
        address=$(sed -n 's/.*listens on \(http:[^" ]*\).*/\1/p' "$log")
        if [[ -n $address ]] || ! kill -0 "$service" 2>/dev/null; then
            break
        fi
    done
    [[ -n $address ]] || complain "no start-up line:"$'\n'"$(<"$log")"

    curl --silent --show-error --include --max-time 10 "$address/handson" >"$answer"
    cat "$answer"
    echo
    grep -q '^HTTP/1.1 200 OK' "$answer" || complain "no 200"
    grep -qiE '^traceresponse: 00-[0-9a-f]{32}-[0-9a-f]{16}-01' "$answer" || complain "no traceresponse header"
    grep -qF '{"message":"Hello, handson"}' "$answer" || complain "no greeting"

    kill -TERM "$service"
    wait "$service" || status=$?
    service=
    cat "$log"
    [[ $status -eq 0 ]] || complain "exit status $status after SIGTERM"
}

# Every variable in `--help` must be documented.
step_options() {
    build_programs
    variables_are_documented handson docs/configuration.md .env.example
    variables_are_documented loadtest loadtest/README.md
    variables_are_documented workshop docs/console.md
}

# variables_are_documented PACKAGE FILE...
variables_are_documented() {
    local package=$1 variables variable file commands=('') missing=()
    shift
    [[ $package != handson ]] || commands+=(httpbin healthcheck)
    [[ $package != workshop ]] || commands=(console up)
    variables=$(for command in "${commands[@]}"; do
        # shellcheck disable=SC2086 # an empty command is no argument
        "$built/$package" $command --help
    done | grep -oE '\[env: [A-Z0-9_]+|\bOTEL_[A-Z_]+' | sed 's/.* //' | sort -u)
    [[ -n $variables ]] || complain "$package --help names no variable"
    for variable in $variables; do
        for file in "$@"; do
            grep -qF "$variable" "$file" || missing+=("$file: $variable")
        done
    done
    [[ ${#missing[@]} -eq 0 ]] || complain "missing:" "${missing[@]}"
    echo "$package: $(wc -w <<<"$variables") variables, each in $*"
}

# The code tour must name every file of the service.
step_tour() {
    local files file missing=()
    mapfile -t files < <(tracked 'src/*.rs')
    for file in "${files[@]}"; do
        grep -qF "(../$file)" docs/ARCHITECTURE.md || missing+=("$file")
    done
    [[ ${#missing[@]} -eq 0 ]] || complain "not in the code tour of docs/ARCHITECTURE.md:" "${missing[@]}"
}

# Measures the time from a fresh clone to the first trace on the page, with nothing compiled, and once more
# afterwards. Crates that this machine has already downloaded are not downloaded again.
step_newcomer() {
    local clone=$scratch/newcomer cold warm
    git clone --quiet . "$clone"
    first_trace "$clone"
    cold=$took
    first_trace "$clone"
    warm=$took
    ((cold <= 900)) || complain "the first trace came after $cold s"
    ((warm <= 20)) || complain "once compiled, the first trace came after $warm s"
    cat <<-END
	The table for docs/first-trace.md, with $(nproc) cores:

	| | seconds |
	| --- | ---: |
	| nothing compiled yet | $cold |
	| compiled | $warm |
	END
    rm -rf "$clone"
}

# first_trace FOLDER: sets `took` to the duration in seconds.
first_trace() {
    local started=$SECONDS log=$scratch/newcomer.log status=0
    (cd "$1" && exec env -u CARGO_TARGET_DIR -u CARGO_INCREMENTAL cargo workshop up --port 0 --httpbin-port 0 \
        --console-port 0 --otlp-port 0 --otlp-grpc-port 0) >"$log" 2>&1 &
    service=$!
    eventually 1500 shows_a_trace "$log" || complain "no trace on the page:" "$(tail -n 20 "$log")"
    took=$((SECONDS - started))
    kill -INT "$service"
    wait "$service" || status=$?
    service=
    [[ $status -eq 0 ]] || complain "cargo workshop up ended with status $status:" "$(tail -n 20 "$log")"
}

shows_a_trace() {
    local address
    kill -0 "$service" 2>/dev/null || complain "cargo workshop up has ended:" "$(tail -n 20 "$1")"
    address=$(sed -n 's/^  open  *//p' "$1")
    [[ -n $address ]] && curl --silent --max-time 5 "$address/traces" --header 'accept: application/json' |
        grep -qE '"services":\["(handson","httpbin|httpbin","handson)"\]'
}

# Every command of the guide, in order, as an attendee runs it.
step_guide() {
    cargo test --workspace --test guide -- --ignored 2>&1 | tee "$scratch/guide"
    grep -q '^test result: ok\. [1-9]' "$scratch/guide" || complain "no test ran"
}

# A test that `cargo test` runs for only a few seconds, at its full length.
step_saturation() {
    SATURATION_SECONDS=20 cargo test --workspace --test service saturat 2>&1 | tee "$scratch/saturation"
    grep -q '^test result: ok\. [1-9]' "$scratch/saturation" || complain "no test of that name ran"
}

# `cargo workshop up` in a real browser.
step_up() {
    # The tests start the programs of the workspace.
    build_programs
    cargo test --workspace --test up -- --ignored --test-threads 2 2>&1 | tee "$scratch/up"
    grep -q '^test result: ok\. [1-9]' "$scratch/up" || complain "no test ran"
}

# Exporters of another language: the console must show what they send.
step_exporters() {
    local log=$scratch/console.log addresses protocol
    build_programs
    "$built/workshop" console --console-port 0 --otlp-port 0 --otlp-grpc-port 0 >"$log" 2>&1 &
    service=$!
    eventually 20 grep -q 'Ctrl-C' "$log" || complain "no console:" "$(<"$log")"
    mapfile -t addresses < <(grep -oE 'http://[^ ,]+' "$log")
    for protocol in http grpc; do
        the_pages_have_it "$protocol" "${addresses[0]}" "${addresses[$([[ $protocol == http ]] && echo 1 || echo 2)]}"
    done
    kill -TERM "$service"
    wait "$service" || complain "the console did not end well"
    service=
}

# With the feature `datadog`: Datadog's own test agent must receive the traces, and its checks must pass.
step_datadog() {
    local agent address ports log=$scratch/with-datadog.log
    cargo build --features datadog
    mapfile -t ports < <("$datadog/python" -c '
import socket
for free in [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]: print(free.getsockname()[1])')
    agent=http://127.0.0.1:${ports[0]}
    # The option for the checks does not work; the variable does.
    local -x ENABLED_CHECKS=trace_count_header,meta_tracer_version_header,trace_content_length,meta_events_is_valid_json
    (cd "$scratch" && exec "$datadog/ddapm-test-agent" --host 127.0.0.1 --port "${ports[0]}" --otlp-http-port "${ports[1]}" \
        --otlp-grpc-port "${ports[2]}" --web-ui-port "${ports[3]}") \
        >"$scratch/test-agent.log" 2>&1 &
    test_agent=$!
    eventually 30 curl --silent --fail --output /dev/null "$agent/info" || complain "no test agent:" "$(<"$scratch/test-agent.log")"
    DD_TRACE_AGENT_URL=$agent OTEL_SDK_DISABLED=false OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none \
        OTEL_LOGS_EXPORTER=none PORT=0 "$built/handson" >"$log" 2>&1 &
    service=$!
    eventually 20 grep -q 'listens on' "$log" || complain "the service does not start:" "$(<"$log")"
    address=$(grep -oE 'http://127[^ ",]+' "$log" | head -n 1)
    for _ in 1 2 3 4 5; do
        curl --silent --fail --output /dev/null "$address/handson" || complain "no answer" "$(<"$log")"
    done
    kill -TERM "$service"
    wait "$service" || complain "the service did not end well" "$(<"$log")"
    service=
    curl --silent --fail "$agent/test/traces" | "$datadog/python" -c '
import json, sys
traces = json.load(sys.stdin)
names = [sorted(span["resource"] for span in trace) for trace in traces]
assert len(traces) == 5 and all(len(trace) == 9 and "GET /handson" in trace for trace in names), names
' || complain "not five traces of nine spans"
    curl --silent --fail "$agent/test/trace_check/failures" >"$scratch/failures" || complain "$(<"$scratch/failures")"
    curl --silent --fail "$agent/test/trace_check/summary?return_all=true" | "$datadog/python" -c '
import json, os, sys
summary = json.load(sys.stdin)
print(summary)
for name in os.environ["ENABLED_CHECKS"].split(","):
    assert summary[name]["Passed_Checks"] > 0 and summary[name]["Failed_Checks"] == 0, name
' || complain "a check of the test agent was not made, or failed"
    kill -TERM "$test_agent"
    wait "$test_agent" || true
    test_agent=
}

# the_pages_have_it PROTOCOL CONSOLE ENDPOINT
the_pages_have_it() {
    local service_name=python-$1 console=$2 trace page
    trace=$(python .ci/send-telemetry.py "$1" "$3" 2>"$scratch/python.log") ||
        complain "the SDK failed:" "$(<"$scratch/python.log")"
    ! grep -iE 'failed to export|transient error|exception while exporting' "$scratch/python.log" || complain "an export failed, see above"
    page_says() {
        local expected
        page=$(curl --silent --fail --max-time 10 "$console$1") || complain "$console$1 does not answer"
        for expected in "${@:2}"; do
            grep -qF -- "$expected" <<<"$page" || complain "$console$1 does not say: $expected" "$page"
        done
    }
    page_says "/traces?service=$service_name" parent "$trace" error
    page_says "/traces/$trace" parent child 'it failed' ERROR '<b>2 spans</b>'
    page_says "/logs?service=$service_name&level=error" 'it failed' exception.type=ValueError
    page_says /errors ValueError 'from Python' "$service_name"
    page_says /metrics ci.orders ci.duration "$service_name"
    page_says "/metrics/$service_name/ci.duration" histogram 'count <b>1</b>' 'sum <b>250 ms</b>'
    page_says "/metrics/$service_name/ci.orders" counter paid true 'total <b>3 order</b>'
    page_says "/metrics/$service_name/ci.open" 'up-down counter' 'value <b>4 order</b>'
    page_says "/metrics/$service_name/ci.temperature" gauge 'value <b>21.5 Cel</b>'
    page_says "/metrics/$service_name/ci.size" histogram 'sum <b>1000 B</b>'
    page_says "/traces?service=$service_name&q=name=linked" linked
    echo "$service_name: its trace $trace with a link, log record, error and five instruments are on the pages"
}

# A measurement takes minutes, and so does a release build. One short cycle only shows that the benchmarks work.
step_bench() {
    cargo bench --profile dev --workspace --bench overhead -- --part cycles --cycles 1 --slice 100ms
    cargo bench --profile dev --workspace --bench receiver -- --seconds 1 --cycles 1
    cargo bench --profile dev --workspace --bench soak -- --minutes 0.2
}

# A real Collector runs the configuration that Compose uses.
step_collector() {
    cargo test --workspace --test service -- --ignored collector:: 2>&1 | tee "$scratch/collector"
    grep -q '^test result: ok\. [1-9]' "$scratch/collector" || complain "no test of that name ran"
    # Most of these tests wait for a Collector to decide.
    cargo test --workspace --test sampling -- --ignored --test-threads 12 2>&1 | tee "$scratch/sampling"
    grep -q '^test result: ok\. [1-9]' "$scratch/sampling" || complain "no test ran"
}

# A real k6 and the load generator, one after the other, with the service as their target.
step_k6() {
    build_programs
    cargo test --workspace --test k6 -- --ignored 2>&1 | tee "$scratch/k6"
    grep -q '^test result: ok\. [1-9]' "$scratch/k6" || complain "no test ran"
}

# The service in other languages at every step of the workshop, and a program in Node without a line of instrumentation.
step_examples() {
    local folder
    for folder in before after; do (cd "examples/go/$folder" && go vet .); done
    cargo test --workspace --test languages -- --ignored 2>&1 | tee "$scratch/examples"
    grep -q '^test result: ok\. [1-9]' "$scratch/examples" || complain "no test ran"
}

# As for step_bench, this only shows that it works. The benchmark itself prints which peers it found.
step_peers() { cargo bench --profile dev --workspace --bench peers -- --cycles 1 --seconds 1 --rates 500; }
