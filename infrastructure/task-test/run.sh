#!/usr/bin/env bash
# Runs the ECS task of handson-api-canary on this machine's Docker engine, and checks its telemetry and log lines.
#
#   run.sh SERVICE LOADTEST CONSOLE NETWORK COMMIT
#
# The first three are the images of the service, the load generator and the console. NETWORK is any image with `sleep`; its
# container owns the network that all containers of the task share. COMMIT is the commit that the service's image names.
# PYTHON is a Python with PyYAML; without it, python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

[[ $# -eq 5 ]] || { sed -n '2,8s/^# \{0,1\}//p' run.sh >&2 && exit 2; }
images=("${@:1:4}") commit=$5 python=${PYTHON:-python3}
project=handson-task-$$ scratch=$(mktemp -d)

complain() {
    printf '%s\n' "$@" >&2
    exit 1
}

of_task() { docker compose --project-name "$project" --file "$scratch/task.json" "$@"; }

stop_task() {
    [[ ! -e $scratch/task.json ]] || of_task down --timeout 5 >/dev/null 2>&1 || true
}
trap 'stop_task; rm -rf "$scratch"' EXIT

# start_task MODE: runs a mode of task.py that prints a Compose file, and starts it.
start_task() {
    "$python" task.py "$1" "${images[@]}" >"$scratch/task.json"
    of_task up --detach --wait 2>"$scratch/task.log" ||
        complain "the task does not start:" "$(tail -n 5 "$scratch/task.log")" "$(of_task logs --tail 20)"
}

# look_at_task MODE: runs a mode of task.py that checks the running task.
look_at_task() {
    "$python" task.py "$1" "http://$(of_task port network 8080)" "http://$(of_task port network 4000)" \
        "$commit" "$(of_task ps --quiet handson-api)" "$(of_task ps --quiet loadtest)"
}

echo "the task of handson-api-canary: the console replaces the Datadog Agent, and task.py does FireLens' parsing"
start_task compose
of_task ps
look_at_task look || complain "see above" "$(of_task logs --tail 5)"
of_task ps --quiet handson-api loadtest | xargs docker stats --no-stream --format '    {{.Name}} {{.MemUsage}}'
# The container `network` is left out: it is not part of the task, and does not run our program.
of_task stop handson-api loadtest datadog-agent 2>/dev/null
for name in handson-api loadtest datadog-agent; do
    state=$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$(of_task ps --all --quiet "$name")")
    [[ $state == "0 false" ]] || complain "$name did not end with status 0: $state" "$(of_task logs --tail 20 "$name")"
done
stop_task

# The same task with two mistakes in it: task.py must report them.
start_task mistaken
look_at_task look-mistaken || complain "see above"
echo "the task took $SECONDS s"
