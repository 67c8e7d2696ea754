"""What ECS says of infrastructure/env/handson-api-*: by the shapes of botocore, and by registering them in moto.

    python .ci/ecs/check.py             what is wrong in this repository
    python .ci/ecs/check.py --mistakes  makes mistakes, one at a time, and says which of them nobody noticed

What PipeCD says of the same files is .ci/pipecd's part.
"""

import argparse
import pathlib
import re
import sys

import boto3
import botocore.session
import botocore.validate
import moto
import yaml
from mistakes import MISTAKES

ROOT = pathlib.Path(__file__).parents[2]
ENV = "infrastructure/env/"
WORKFLOWS = ".github/workflows/"
CONTAINERS = ["handson-api", "loadtest", "datadog-agent", "log-router"]
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html, in 1/1024 vCPU and MiB.
FARGATE = {
    256: [512, 1024, 2048],
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
}
MODEL = botocore.session.get_session().get_service_model("ecs")


def read(root):
    """The text of all files that are looked at, by path."""
    paths = [*root.glob(ENV + "handson-api-*/*.yaml"), *root.glob(WORKFLOWS + "distribute-backend*.yaml")]
    return {str(path.relative_to(root)): path.read_text() for path in sorted(paths)}


def check(files, registering=True):
    """What is wrong, a line each. To register it all takes a second, which mistakes that are seen before do without."""
    wrong = []
    names = sorted({path.split("/")[2].removeprefix("handson-api-") for path in files if path.startswith(ENV)})
    if not {"base", "canary"} <= set(names):
        return [f"{ENV}handson-api-base and -canary should be there"]
    for name in names:
        try:
            application = Application(name, files)
        except (KeyError, yaml.YAMLError) as error:
            wrong.append(f"{name}: {error!r}")
            continue
        wrong += [f"handson-api-{name}: {line}" for line in application.faults(registering)]
    return wrong


class Application:
    """The files of one backend."""

    def __init__(self, name, files):
        folder = f"{ENV}handson-api-{name}/"
        self.name = name
        self.task = yaml.safe_load(files[folder + "taskdef.yaml"])
        self.service = yaml.safe_load(files[folder + "servicedef.yaml"])
        self.app = yaml.safe_load(files[folder + "app.pipecd.yaml"])
        self.workflow = yaml.safe_load(files[f"{WORKFLOWS}distribute-backend-{name}.yaml"])
        self.reusable = yaml.safe_load(files[WORKFLOWS + "distribute-backend.yaml"])

    def faults(self, registering):
        for operation, value in [("RegisterTaskDefinition", self.task), ("CreateService", self.service)]:
            refused = list(refusals(operation, value))
            yield from refused
            if refused:
                return
        yield from self.names()
        yield from self.size()
        for container in self.task["containerDefinitions"]:
            for fault in hardening(container):
                yield f"{container['name']}: {fault}"
        yield from self.telemetry()
        yield from self.platform()
        if registering:
            yield from in_moto(self.task, self.service)

    def names(self):
        containers = self.task["containerDefinitions"]
        if [container["name"] for container in containers] != CONTAINERS:
            yield f"the containers are not {', '.join(CONTAINERS)}, in this order"
            return
        watched = {watcher["matcher"]["name"]: watcher["handler"]["config"]["replacements"][0]["yamlField"]
                   for watcher in self.app["spec"]["eventWatcher"]}
        for position, image in enumerate(["server", "loadtest"]):
            repository = f"backend-{self.name}-{image}-image"
            if not re.search(rf"\.amazonaws\.com/{repository}:", containers[position]["image"]):
                yield f"the image of container {position} is not of {repository}"
            if watched.get(repository) != f"$.containerDefinitions[{position}].image":
                yield f"the event {repository} does not change the image of container {position}"
        job = self.workflow["jobs"]["distribute"]["with"]
        if job["prefix"] != f"backend-{self.name}" or f"role/backend-{self.name}-github-actions" not in job["role"]:
            yield "the workflow is of another backend"
        for what, name in [("family", self.task["family"]), ("service", self.service["serviceName"]),
                           ("application", self.app["spec"]["name"])]:
            if name != f"handson-api-{self.name}":
                yield f"the {what} is named {name}"

    def size(self):
        cpu, memory = int(self.task["cpu"]), int(self.task["memory"])
        if memory not in FARGATE.get(cpu, []):
            yield f"Fargate has no task of cpu {cpu} and memory {memory}"
        for key, limit in [("cpu", cpu), ("memory", memory)]:
            each = [container.get(key) for container in self.task["containerDefinitions"]]
            if None in each:
                yield f"a container has no {key}"
            elif sum(each) > limit:
                yield f"the containers take {key} {sum(each)}, the task has {limit}"

    def telemetry(self):
        service, load, agent, router = self.task["containerDefinitions"]
        own = environment(service)
        for key, value in {"BACKEND_NAME": f"backend-{self.name}", "OTEL_LOGS_EXPORTER": "none", "HOST": "0.0.0.0"}.items():
            if own.get(key) != value:
                yield f"handson-api: {key} is {own.get(key)}, not {value}"
        endpoint = environment(agent).get("DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT")
        for container in (service, load):
            if environment(container).get("OTEL_EXPORTER_OTLP_ENDPOINT") != f"http://{endpoint}":
                yield f"{container['name']}: it sends OTLP to another place than the Agent's, {endpoint}"
            if container["logConfiguration"]["logDriver"] != "awsfirelens":
                yield f"{container['name']}: its lines do not go by FireLens"
            tags = container["dockerLabels"]
            if container["logConfiguration"]["options"]["dd_service"] != tags["com.datadoghq.tags.service"]:
                yield f"{container['name']}: logs and traces are of two services"
        options = dict(zip(load["command"][::2], load["command"][1::2]))
        for option, value in {"--rate": "5", "--duration": "0", "--url": "http://localhost:8080/handson"}.items():
            if options.get(option) != value:
                yield f"loadtest: {option} is {options.get(option)}, not {value}"
        if load["essential"] or agent["essential"]:
            yield "the service is to go on without load generator and Agent"
        if "firelensConfiguration" not in router:
            yield "log-router: no firelensConfiguration"
        for container in self.task["containerDefinitions"]:
            pinned = [key for key in [*environment(container), *container.get("dockerLabels", {})]
                      if key in ("DD_VERSION", "com.datadoghq.tags.version")]
            pinned += [value for value in environment(container).values() if "service.version" in value]
            if pinned:
                yield f"{container['name']}: the version is in the image, and not here: {pinned[0]}"

    def platform(self):
        push = self.reusable["jobs"]["push"]
        built, runs = push["env"]["PLATFORM"], self.task["runtimePlatform"]["cpuArchitecture"]
        if {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}.get(built) != runs:
            yield f"the images are built for {built}, the task runs on {runs}"
        if push["runs-on"].endswith("-arm") != (runs == "ARM64"):
            yield f"the images for {runs} are built on {push['runs-on']}"


def hardening(container):
    """Least rights, and an end in time."""
    if container.get("user", "0").split(":")[0] in ("0", "root"):
        yield "it runs as root"
    if container.get("readonlyRootFilesystem") is not True:
        yield "its root file system can be written"
    if container["linuxParameters"]["capabilities"]["drop"] != ["ALL"]:
        yield "it keeps capabilities"
    for key in environment(container):
        if re.search("KEY|SECRET|TOKEN|PASSWORD", key):
            yield f"{key} is a secret, and stands here"
    if container["name"] in ("handson-api", "datadog-agent") and "healthCheck" not in container:
        yield "no health check: ECS ignores that of the image"
    if not 0 < container.get("stopTimeout", 0) <= 120:
        yield "no stopTimeout of at most 120 s"


def environment(container):
    return {entry["name"]: entry["value"] for entry in container.get("environment", [])}


def refusals(operation, value):
    """What the API would refuse: keys, types, required ones by botocore; enums, at which botocore does not look."""
    shape = MODEL.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(value, shape)
    if report.has_errors():
        yield f"{operation} refuses it: {report.generate_report()}"
        return
    for path, allowed in enums(shape, value, ""):
        yield f"{operation} refuses it: {path} is none of {', '.join(allowed)}"


def enums(shape, value, path):
    if shape.type_name == "structure":
        for key, member in value.items():
            yield from enums(shape.members[key], member, f"{path}.{key}")
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            yield from enums(shape.member, member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from enums(shape.value, member, f"{path}.{key}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path.lstrip('.')}: {value}", shape.enum


@moto.mock_aws
def in_moto(task, service):
    """Registers the task, and creates the service with it, in a network that is there."""
    def client(api):
        return boto3.client(api, "ap-northeast-1", aws_access_key_id="ci", aws_secret_access_key="ci")

    ecs, ec2 = client("ecs"), client("ec2")
    network = {
        "subnets": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]],
        "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        "assignPublicIp": service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"],
    }
    ecs.create_cluster(clusterName=service["cluster"])
    registered = ecs.register_task_definition(**task)["taskDefinition"]
    if [container["name"] for container in registered["containerDefinitions"]] != CONTAINERS:
        return ["the registered task has other containers"]
    created = ecs.create_service(**{**service, "networkConfiguration": {"awsvpcConfiguration": network}})["service"]
    return [] if created["serviceName"] == service["serviceName"] else ["the service has another name"]


def unnoticed(files):
    for path, right, wrong, said in MISTAKES:
        what = f"{path}: {wrong!r} for {right!r}"
        if right not in files[path]:
            yield f"{what}: the mistake cannot be made there"
            continue
        complaints = "\n".join(check({**files, path: files[path].replace(right, wrong, 1)}, registering=False))
        if not complaints:
            yield f"{what}: not noticed"
        elif said not in complaints:
            yield f"{what}: not called {said!r}, but:\n{complaints}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mistakes", action="store_true")
    mistakes = parser.parse_args().mistakes
    files = read(ROOT)
    wrong = list(unnoticed(files)) if mistakes else check(files)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(MISTAKES)} mistakes, each refused by name" if mistakes else f"{len(files)} files, nothing to say")


if __name__ == "__main__":
    main()
