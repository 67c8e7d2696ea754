"""Runs an ECS task with Docker Compose, as close to ECS as that gets, and checks what it emits. Called by run.sh.

    task.py compose SERVER LOADTEST CONSOLE NETWORK
        prints a Compose file: infrastructure/env/handson-api-canary/taskdef.yaml with these images
    task.py look API CONSOLE COMMIT SERVICE-CONTAINER LOADTEST-CONTAINER
        waits for telemetry and reports what is wrong; then changes what was seen, and expects each change to be reported
    task.py mistaken SERVER LOADTEST CONSOLE NETWORK
    task.py look-mistaken API CONSOLE COMMIT SERVICE-CONTAINER LOADTEST-CONTAINER
        the same for a task with mistakes in it: all of them must be reported

Two containers differ from ECS. The workshop's console replaces the Datadog Agent as the receiver of OTLP, because the Agent's
image is in no package registry. FireLens' parsing is done here, by the rules of Fluent Bit's filter `parser`.
"""

import copy
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

TASK = pathlib.Path(__file__).parents[1] / "env/handson-api-canary/taskdef.yaml"
AGENT, ROUTER = "datadog-agent", "log-router"
SERVICE, LOAD = "handson-canary", "loadtest-handson-canary"
METRICS = ["http.server.request.duration", "http.server.active_requests", "http.client.request.duration",
           "db.client.operation.duration"]
CONDITIONS = {"START": "service_started", "HEALTHY": "service_healthy"}
CLIENT, SERVER = 3, 2
# Timeouts in seconds.
TIMEOUT, SHORT_TIMEOUT = 60, 12
# Docker splits a longer line into parts, none of which is JSON: `defaultBufSize` in moby's daemon/logger/copier.go.
LONGEST_LINE = 16 * 1024


def compose(server, loadtest, console, network):
    """All containers in one network, as `networkMode: awsvpc` has them."""
    images = {"handson-api": server, "loadtest": loadtest, AGENT: console}
    services = {"network": {"image": network, "command": ["sleep", "infinity"], "init": True,
                            "ports": ["127.0.0.1::8080", "127.0.0.1::4000"]}}
    task = yaml.safe_load(TASK.read_text())
    for container in task["containerDefinitions"]:
        if container["name"] != ROUTER:
            services[container["name"]] = as_service(container, images[container["name"]])
            # No container may use more than the task has.
            services[container["name"]]["cpus"] = int(task["cpu"]) / 1024
    return {"services": services}


def mistaken(*images):
    """A task whose service sends its telemetry to a port where nobody listens, and writes lines for people."""
    file = compose(*images)
    file["services"]["handson-api"]["environment"] |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4319", "LOG_FORMAT": "text"}
    return file


def as_service(container, image):
    waits = {"network": {"condition": "service_started"}}
    for other in container.get("dependsOn", []):
        if other["containerName"] != ROUTER:
            waits[other["containerName"]] = {"condition": CONDITIONS[other["condition"]]}
    service = {
        "image": image,
        "network_mode": "service:network",
        "depends_on": waits,
        "read_only": container["readonlyRootFilesystem"],
        "cap_drop": container["linuxParameters"]["capabilities"]["drop"],
        "mem_limit": f"{container['memory']}m",
        "cpu_shares": container["cpu"],
        "stop_grace_period": f"{container['stopTimeout']}s",
    }
    if container["name"] == AGENT:
        return service
    service["user"] = container["user"]
    service["environment"] = {entry["name"]: entry["value"] for entry in container["environment"]}
    service["command"] = container.get("command", [])
    if check := container.get("healthCheck"):
        service["healthcheck"] = {
            "test": check["command"],
            "retries": check["retries"],
            **{key: f"{check[of]}s" for key, of in [("interval", "interval"), ("timeout", "timeout"),
                                                    ("start_period", "startPeriod")]},
        }
    return service


def get(url):
    request = urllib.request.Request(url, headers={"accept": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def answer_of(url):
    try:
        return get(url)
    except (urllib.error.URLError, ValueError) as error:
        return {"error": str(error)}


def see(patience, api, console, commit, service, load):
    """What has arrived, once there is a trace of both services and a metric of the service."""
    answer = answer_of(f"{api}/handson")
    end = time.monotonic() + patience
    while True:
        traces = [trace for trace in get(f"{console}/traces")["traces"]
                  if set(trace["services"]) == {SERVICE, LOAD} and trace["start_unix_nano"]]
        names = [entry["name"] for entry in get(f"{console}/metrics")["instruments"] if entry["service"] == SERVICE]
        if (len(traces) >= 20 and set(METRICS) <= set(names)) or time.monotonic() > end:
            break
        time.sleep(0.5)
    # The oldest one, because all of its spans have arrived.
    traces.sort(key=lambda trace: int(trace["start_unix_nano"]))
    spans = [span for trace in traces[:5] for span in spans_of(get(f"{console}/traces/{trace['trace_id']}"))]
    return {
        "answer": answer,
        "starts": [int(trace["start_unix_nano"]) / 1e9 for trace in traces],
        "spans": spans,
        "metrics": names,
        "records": get(f"{console}/logs")["resourceLogs"],
        "lines": [handed_over(line, "handson-api") for line in lines_of(service)],
        "load": [handed_over(line, "loadtest") for line in lines_of(load)],
        "commit": commit,
    }


def lines_of(container):
    """What the container has written so far, without empty lines."""
    written = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return [line for line in (written.stdout + written.stderr).splitlines() if line]


def spans_of(trace):
    for resource in trace["resourceSpans"]:
        about = {entry["key"]: entry["value"].get("stringValue") for entry in resource["resource"]["attributes"]}
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {"trace": span["traceId"], "id": span["spanId"], "parent": span.get("parentSpanId"),
                       "name": span["name"], "kind": int(span["kind"]), "resource": about}


def handed_over(line, container):
    """A line as Docker's driver `fluentd` hands it over, with what `enable-ecs-log-metadata` adds."""
    return {"log": line, "source": "stdout", "container_id": "0123", "container_name": f"/ecs-{container}",
            "ecs_cluster": "handson-app-cluster", "ecs_task_arn": "arn", "ecs_task_definition": "handson-api-canary:1"}


def parsed(record):
    """Fluent Bit's filter `parser` with a JSON parser, Key_Name log, Reserve_Data on: an object takes the place of `log`."""
    try:
        value = json.loads(record["log"])
    except ValueError:
        return record
    if not isinstance(value, dict):
        return record
    return {**{key: other for key, other in record.items() if key != "log"}, **value}


def wrong(seen):
    """What is wrong with what was seen, a line each."""
    if seen["answer"].get("message") != f"Hello, {SERVICE}":
        yield f"GET /handson answers {seen['answer']}"
    yield from wrong_traces(seen)
    starts = seen["starts"]
    rate = (len(starts) - 1) / (starts[-1] - starts[0]) if len(starts) > 1 else 0
    if not 4.5 <= rate <= 5.5:
        yield f"{rate:.2f} requests per second come from the load generator"
    for name in METRICS:
        if name not in seen["metrics"]:
            yield f"the metric {name} does not come"
    if seen["records"]:
        yield "log records come over OTLP: with FireLens, each line would be there twice"
    yield from wrong_lines(seen)


def wrong_traces(seen):
    spans = {span["id"]: span for span in seen["spans"]}
    servers = [span for span in spans.values()
               if span["kind"] == SERVER and span["resource"].get("service.name") == SERVICE]
    if not servers:
        yield f"no SERVER span of {SERVICE} comes"
    for server in servers:
        parent = spans.get(server["parent"], {"kind": 0, "resource": {}})
        if server["name"] != "GET /handson" or parent["kind"] != CLIENT or parent["resource"].get("service.name") != LOAD:
            yield f"{server['name']} does not continue the trace of {LOAD}"
        version = server["resource"].get("service.version", "")
        if seen["commit"][:7] not in version:
            yield f"service.version {version} does not name the commit"
    for span in spans.values():
        if span["resource"].get("deployment.environment.name") != "production":
            yield f"{span['resource'].get('service.name')} is not in production"


def wrong_lines(seen):
    lines = [parsed(record) for record in seen["lines"]]
    traces = {span["trace"] for span in seen["spans"]}
    known = {(span["trace"], span["id"]) for span in seen["spans"]}
    of_requests = [line for line in lines if "trace_id" in line]
    for record in seen["lines"]:
        if len(record["log"].encode()) >= LONGEST_LINE:
            yield f"a line is longer than Docker hands over in one piece: {record['log'][:100]}"
    for record, line in zip(seen["lines"], lines):
        # Fluent Bit would write such a key twice.
        if "log" not in line and len(line) != len(record) - 1 + len(json.loads(record["log"])):
            yield f"a line has a key that FireLens adds too: {line}"
    for line in lines:
        if "log" in line:
            yield f"a line of the service is no JSON object: {line['log']}"
        elif line.get("ecs_cluster") != "handson-app-cluster" or line.get("dd.service") != SERVICE:
            yield f"a line has lost what it was handed over with, or its service: {line}"
    for line in of_requests:
        ids = [{line.get(spelling) for spelling in spellings} for spellings in
               [("trace_id", "trace.id", "dd.trace_id"), ("span_id", "span.id", "dd.span_id")]]
        if any(len(each) != 1 for each in ids):
            yield f"a line has different ids in different spellings: {line}"
    # Only for a few traces is it known which spans they have.
    of_known = [line for line in of_requests if line["trace_id"] in traces]
    if not of_known:
        yield "no line has the ids of a trace that came"
    for line in of_known:
        if (line["trace_id"], line.get("span_id")) not in known:
            yield f"a line has the id of a span that its trace does not have: {line}"
    if not seen["load"] or any("log" not in parsed(record) for record in seen["load"]):
        yield "the load generator's lines do not keep their text under `log`, where dd_message_key looks"


def change(path, value):
    def make(seen):
        *way, last = path
        for key in way:
            seen = seen[key]
        seen[last] = value
    return make


def every(key, make):
    def make_all(seen):
        seen[key] = [make(copy.deepcopy(entry)) for entry in seen[key]]
    return make_all


# Each entry changes what was seen, and has the words of the expected report.
MISTAKES = [
    (change(["answer"], {"message": "Hello, handson"}), "GET /handson answers"),
    (change(["spans"], []), "no SERVER span"),
    (every("spans", lambda span: {**span, "parent": None}), "does not continue the trace"),
    (every("spans", lambda span: {**span, "resource": {**span["resource"], "service.version": "0.1.0"}}), "name the commit"),
    (every("spans", lambda span: {**span, "resource": {**span["resource"], "deployment.environment.name": "dev"}}),
     "is not in production"),
    (every("starts", lambda start: start * 2), "requests per second"),
    (every("metrics", lambda name: name.replace("http.server", "http")), "the metric http.server.request.duration"),
    (change(["records"], [{"scopeLogs": []}]), "log records come over OTLP"),
    (every("lines", lambda record: {**record, "log": "INFO " + record["log"]}), "is no JSON object"),
    (every("lines", lambda record: {**record, "log": record["log"].replace('"trace_id":"', '"trace_id":"0')}),
     "different ids"),
    (every("lines", lambda record: {**record, "log": record["log"].replace("trace_id", "trace")}), "no line has the ids"),
    (every("spans", lambda span: {**span, "id": "0" * 16}), "that its trace does not have"),
    (every("lines", lambda record: {**record, "log": record["log"] + " " * LONGEST_LINE}), "in one piece"),
    (every("lines", lambda record: {**record, "log": record["log"].replace('"level"', '"source"')}), "FireLens adds too"),
    (every("lines", lambda record: {"log": record["log"]}), "has lost what it was handed over with"),
    (change(["load"], []), "where dd_message_key looks"),
]


# The expected reports for the task that `mistaken` creates.
WORDS = ["no SERVER span", "the metric http.server.request.duration does not come", "is no JSON object"]


def look_mistaken(*arguments):
    told = list(wrong(see(SHORT_TIMEOUT, *arguments)))
    if missing := [words for words in WORDS if not any(words in line for line in told)]:
        sys.exit("a task with mistakes is not told from a right one, nobody says: " + "; ".join(missing))
    print(f"a task with mistakes: {len(WORDS)} things noticed")


def look(*arguments):
    seen = see(TIMEOUT, *arguments)
    complaints = list(dict.fromkeys(wrong(seen)))
    if not complaints:
        for make, words in MISTAKES:
            other = copy.deepcopy(seen)
            make(other)
            told = list(wrong(other))
            if not any(words in line for line in told):
                complaints.append(f"a mistake is not called {words!r}, but: {told[:3]}")
    if complaints:
        sys.exit("\n".join(complaints[:20]))
    print(f"{len(seen['starts'])} traces of both services, {len(seen['lines'])} lines, {len(MISTAKES)} mistakes noticed")


def main():
    _, mode, *arguments = sys.argv
    if mode in ("compose", "mistaken"):
        print(json.dumps({"compose": compose, "mistaken": mistaken}[mode](*arguments), indent=2))
    else:
        {"look": look, "look-mistaken": look_mistaken}[mode](*arguments)


if __name__ == "__main__":
    main()
