# shellcheck shell=bash disable=SC2154
# The files of ECS and PipeCD, held against what takes them. Sourced by .ci/run, as .ci/tools.sh and .ci/go.sh are.

ecs_tools() { python_packages .ci/ecs/requirements.txt; }

# By botocore and moto.
step_ecs() {
    ecs_tools
    "$venv/bin/python" .ci/ecs/shapes.py --check
    "$venv/bin/python" .ci/ecs/check.py
}

# By PipeCD's own code, which deploys them at a stand-in for AWS.
step_pipecd() {
    local program port
    has_go || return 0
    program=$cache/pipecd-$(cat .ci/pipecd/*.go .ci/pipecd/go.* | cksum | cut -d' ' -f1)
    if [[ ! -x $program ]]; then
        (cd .ci/pipecd && go vet . && go build -trimpath -o "$program" .)
    fi
    [[ -z $(gofmt -l .ci/pipecd) ]] || complain "not formatted:" "$(gofmt -l .ci/pipecd)"
    ecs_tools
    needs curl curl
    port=$("$venv/bin/python" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    (cd "$scratch" && exec "$venv/bin/moto_server" --host 127.0.0.1 --port "$port") >"$scratch/moto.log" 2>&1 &
    stand_in=$!
    local -x AWS_ENDPOINT_URL=http://127.0.0.1:$port
    eventually 60 curl --silent --fail --output /dev/null "$AWS_ENDPOINT_URL/moto-api/" || complain "no moto:" "$(<"$scratch/moto.log")"
    "$program" .
    "$program" -mistakes .
    kill -TERM "$stand_in"
    wait "$stand_in" || true
    stand_in=
}
