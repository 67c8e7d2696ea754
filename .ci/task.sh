# shellcheck shell=bash disable=SC2154
# The task of handson-api-canary as a whole, from the images that Compose has built. Sourced by .ci/run; needs the engine.

# Set while its containers may run.
task=''

of_task() { docker compose --project-name "$task" --file "$scratch/task.json" "$@"; }

# It runs, answers, is under load, and its telemetry and log lines say what they should; then it ends in time. With mistakes
# in it, that is seen.
the_task_works() {
    local name state started=$SECONDS
    ecs_tools
    echo "the task of handson-api-canary: the console stands for the Datadog Agent, and FireLens' parse step is made by the check"
    start_task compose
    of_task ps
    look_at_task look || complain "see above" "$(of_task logs --tail 5)"
    of_task ps --quiet handson-api loadtest | xargs docker stats --no-stream --format '    {{.Name}} {{.MemUsage}}'
    # Without the network: it is no container of the task, and what it runs is no program of ours.
    of_task stop handson-api loadtest datadog-agent 2>/dev/null
    for name in handson-api loadtest datadog-agent; do
        state=$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$(of_task ps --all --quiet "$name")")
        [[ $state == "0 false" ]] || complain "$name of the task did not end well: $state" "$(of_task logs --tail 20 "$name")"
    done
    stop_task

    start_task mistaken
    look_at_task look-mistaken || complain "see above"
    stop_task
    echo "the task took $((SECONDS - started)) s"
}

# start_task MODE: of .ci/task/task.py
start_task() {
    "$venv/bin/python" .ci/task/task.py "$1" "$(inspect backend '{{.Config.Image}}')" \
        "$(inspect loadtest '{{.Config.Image}}')" "$(inspect console '{{.Config.Image}}')" "$(builder_image)" >"$scratch/task.json"
    task=$project-task
    of_task up --detach --wait 2>"$scratch/task.log" ||
        complain "the task does not start:" "$(tail -n 5 "$scratch/task.log")" "$(of_task logs --tail 20)"
}

# look_at_task MODE: of .ci/task/task.py
look_at_task() {
    "$venv/bin/python" .ci/task/task.py "$1" "http://$(of_task port network 8080)" "http://$(of_task port network 4000)" \
        "$commit" "$(of_task ps --quiet handson-api)" "$(of_task ps --quiet loadtest)"
}

stop_task() {
    [[ -n $task ]] || return 0
    of_task down --timeout 5 >/dev/null 2>&1 || true
    task=
}
