# shellcheck shell=bash disable=SC2154
# The task of handson-api-canary as a whole, from the images that Compose has built. Sourced by .ci/run; needs the engine.

# Set while its containers may run.
task=''

of_task() { docker compose --project-name "$task" --file "$scratch/task.json" "$@"; }

# It runs, answers, is under load, and its telemetry and log lines say what they should; then it ends in time.
the_task_works() {
    local name state
    ecs_tools
    "$venv/bin/python" .ci/task/task.py compose "$(inspect backend '{{.Config.Image}}')" \
        "$(inspect loadtest '{{.Config.Image}}')" "$(inspect console '{{.Config.Image}}')" "$(builder_image)" >"$scratch/task.json"
    echo "the task of handson-api-canary: the console stands for the Datadog Agent, and FireLens' parse step is made by the check"
    task=$project-task
    of_task up --detach --wait 2>"$scratch/task.log" ||
        complain "the task does not start:" "$(tail -n 5 "$scratch/task.log")" "$(of_task logs --tail 20)"
    of_task ps
    "$venv/bin/python" .ci/task/task.py look "http://$(of_task port network 8080)" "http://$(of_task port network 4000)" \
        "$commit" "$(of_task ps --quiet handson-api)" "$(of_task ps --quiet loadtest)" ||
        complain "see above" "$(of_task logs --tail 5)"
    of_task ps --quiet handson-api loadtest | xargs docker stats --no-stream --format '    {{.Name}} {{.MemUsage}}'
    of_task stop 2>/dev/null
    for name in handson-api loadtest; do
        state=$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$(of_task ps --all --quiet "$name")")
        [[ $state == "0 false" ]] || complain "$name of the task did not end well: $state" "$(of_task logs --tail 20 "$name")"
    done
    stop_task
}

stop_task() {
    [[ -n $task ]] || return 0
    of_task down --timeout 5 >/dev/null 2>&1 || true
    task=
}
