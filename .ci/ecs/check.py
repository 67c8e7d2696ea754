"""Checks what brings a backend to ECS: infrastructure/env/handson-api-*, and the workflows that make the images.

    python .ci/ecs/check.py    checks the files, then makes mistakes in copies and sees that each is named

The files are checked against the ECS API as botocore knows it, registered in moto, and compared with each other.
"""

import functools
import pathlib
import re
import sys

import boto3
import botocore.exceptions
import botocore.validate
import moto
import yaml

import shapes

ROOT = pathlib.Path(__file__).parents[2]
ENV = "infrastructure/env/handson-api-"
WORKFLOW = ".github/workflows/distribute-backend"
CONTAINERS = ["handson-api", "loadtest", "datadog-agent", "log-router"]
KEY = "/handson/datadog-api-key"
# Fargate's pairs: what memory in MiB goes with how much CPU. Larger tasks are not for a workshop.
MEMORY = {"256": [512, 1024, 2048], "512": range(1024, 4097, 1024), "1024": range(2048, 8193, 1024)}
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
MARKS = {"TODO_AWS_ACCOUNT_ID", "TODO_AWS_REGION", "TODO_SUBNET_1", "TODO_SUBNET_2", "TODO_SECURITY_GROUP",
         "TODO_PRIMARY_TARGET_GROUP_ARN", "TODO_CANARY_TARGET_GROUP_ARN"}
MODEL = shapes.service_model()


def read():
    """All the files, by path: a mistake is made in a copy of this."""
    files = [*ROOT.glob(ENV + "*/*.yaml"), *ROOT.glob(WORKFLOW + "*.yaml"), ROOT / "compose.yaml"]
    return {str(file.relative_to(ROOT)): file.read_text() for file in files}


@functools.cache
def load(text):
    return yaml.safe_load(text)


def check(files, registering=True):
    """What is wrong, one line each. To ask moto takes longer than all the rest."""
    names = sorted(file[len(ENV):].split("/")[0] for file in files if file.endswith("/taskdef.yaml"))
    found = [] if "base" in names and "canary" in names else ["handson-api-base or handson-api-canary is missing"]
    for name in names:
        try:
            found += [f"handson-api-{name}: {line}" for line in Backend(files, name).check(registering)]
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
            found.append(f"handson-api-{name}: cannot be read: {error!r}")
    return found


def against(operation, value):
    """What the ECS API does not take: unknown keys, types, what is missing, and values that are none of an enum."""
    shape = MODEL.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(value, shape).generate_report()
    return report.splitlines() + list(enums(operation, shape, value))


def enums(path, shape, value):
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, member in value.items():
            if key in shape.members:
                yield from enums(f"{path}.{key}", shape.members[key], member)
    elif shape.type_name == "list" and isinstance(value, list):
        for index, member in enumerate(value):
            yield from enums(f"{path}[{index}]", shape.member, member)
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, member in value.items():
            yield from enums(f"{path} (key)", shape.key, key)
            yield from enums(f"{path}.{key}", shape.value, member)
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"


def register(task, service):
    """Asks moto for both, as PipeCD asks AWS."""
    with moto.mock_aws():
        session = boto3.Session("ci", "ci", region_name="eu-central-1")
        ecs = session.client("ecs", endpoint_url="https://ecs.eu-central-1.amazonaws.com")
        ecs.create_cluster(clusterName=service["cluster"])
        # It looks whether the network exists: its own takes the place of whatever the file names.
        ec2 = session.client("ec2", endpoint_url="https://ec2.eu-central-1.amazonaws.com")
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        own = {**network, "subnets": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]],
               "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]]}
        service = {**service, "networkConfiguration": {"awsvpcConfiguration": own}}
        try:
            made = ecs.register_task_definition(**task)["taskDefinition"]
            assert [container["name"] for container in made["containerDefinitions"]] == CONTAINERS
            ecs.create_service(**service)
        except (botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError) as error:
            return [f"moto refuses it: {error}"]
    return []


class Backend:
    def __init__(self, files, name):
        self.files, self.name, self.prefix, self.service = files, name, f"backend-{name}", f"handson-{name}"
        self.application = f"handson-api-{name}"
        self.task, self.ecs_service, self.app = (
            load(files[f"{ENV}{name}/{file}.yaml"]) for file in ("taskdef", "servicedef", "app.pipecd"))
        self.workflow = load(files[f"{WORKFLOW}-{name}.yaml"])
        self.all = self.task["containerDefinitions"]
        self.by_name = {container["name"]: container for container in self.all}

    def check(self, registering):
        found = against("RegisterTaskDefinition", self.task) + against("CreateService", self.ecs_service)
        if found:
            return found
        if [container["name"] for container in self.all] != CONTAINERS:
            return [ f"the containers are not {', '.join(CONTAINERS)}, in this order"]
        for part in (self.size, self.names, self.images, self.environments, self.containers, self.starts, self.logs,
                     self.secrets, self.balancer, self.distribution, self.marks):
            found += part()
        return found or (register(self.task, self.ecs_service) if registering else [])

    def size(self):
        cpu, memory = self.task["cpu"], self.task["memory"]
        if not isinstance(cpu, str) or int(memory) not in MEMORY.get(cpu, []):
            yield f"Fargate has no size of {cpu} CPU units and {memory} MiB"
        for key, limit in ("cpu", cpu), ("memory", memory):
            total = sum(container[key] for container in self.all)
            if total > int(limit):
                yield f"{key} of the containers adds up to {total}, more than {limit}"
        if self.task["requiresCompatibilities"] != ["FARGATE"] or self.ecs_service["launchType"] != "FARGATE":
            yield "the task is not for Fargate alone"

    def names(self):
        for what, is_now, wanted in (
            ("the task's family", self.task["family"], self.application),
            ("serviceName", self.ecs_service["serviceName"], self.application),
            ("spec.name of app.pipecd.yaml", self.app["spec"]["name"], self.application),
            ("cluster", self.ecs_service["cluster"], "handson-app-cluster"),
            ("the deployment controller", self.ecs_service["deploymentController"]["type"], "EXTERNAL"),
            ("executionRoleArn", self.task["executionRoleArn"].split("/")[-1], "handson-task-execution"),
            ("taskRoleArn", self.task["taskRoleArn"].split("/")[-1], "handson-task"),
        ):
            if is_now != wanted:
                yield f"{what} is {is_now}, not {wanted}"
        for key in "serviceDefinitionFile", "taskDefinitionFile":
            file = f"{ENV}{self.name}/{self.app['spec']['input'][key]}"
            if file not in self.files:
                yield f"{key} names {file}, which is not there"

    def images(self):
        """The repository of an image, its event, and the place where the event writes it."""
        watchers = {watcher["matcher"]["name"]: watcher for watcher in self.app["spec"]["eventWatcher"]}
        for index, variant in enumerate(("server", "loadtest")):
            event = f"{self.prefix}-{variant}-image"
            repository, _, tag = self.all[index]["image"].split("/")[-1].partition(":")
            if repository != event or not tag:
                yield f"the image of {self.all[index]['name']} is {repository}:{tag}, not one of {event}"
            if event not in watchers:
                yield f"no event watcher for {event}"
                continue
            for replacement in watchers[event]["handler"]["config"]["replacements"]:
                if replacement["yamlField"] != f"$.containerDefinitions[{index}].image":
                    yield f"the event {event} changes {replacement['yamlField']}"
        for container in self.all[2:]:
            if not re.search(r":\d+\.\d+\.\d+$", container["image"]):
                yield f"the image of {container['name']} has no whole version: {container['image']}"
        agent = self.by_name["datadog-agent"]["image"]
        if agent not in self.files["compose.yaml"]:
            yield f"compose.yaml has another Agent than {agent}"

    def environments(self):
        for name, wanted in {
            "handson-api": {"BACKEND_NAME": self.prefix, "ENV": "production", "HOST": "0.0.0.0",
                            "OTEL_LOGS_EXPORTER": "none",
                            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"},
            "loadtest": {"LOADTEST_OTLP": "true", "OTEL_SERVICE_NAME": f"loadtest-{self.service}",
                         "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"},
            "datadog-agent": {"ECS_FARGATE": "true", "DD_APM_ENABLED": "true", "DD_ENV": "production",
                              "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT": "localhost:4318"},
        }.items():
            environment = {pair["name"]: pair["value"] for pair in self.by_name[name]["environment"]}
            for key, value in wanted.items():
                if environment.get(key) != value:
                    yield f"{key} of {name} is {environment.get(key)}, not {value}"
            if "DD_HOSTNAME" in environment:
                yield "a task has no DD_HOSTNAME"
            if any(key.endswith("_VERSION") or "service.version" in value for key, value in environment.items()):
                yield f"{name} is told its version, which is in the image"
        command = self.by_name["loadtest"]["command"]
        for option, value in (("--rate", "5"), ("--duration", "0"), ("--url", "http://localhost:8080/handson")):
            if option not in command or command[command.index(option) + 1] != value:
                yield f"the load generator is not told {option} {value}"
        for name, service in ("handson-api", self.service), ("loadtest", f"loadtest-{self.service}"):
            labels = self.by_name[name]["dockerLabels"]
            tags = [labels.get(f"com.datadoghq.tags.{tag}") for tag in ("service", "env")]
            if tags != [service, "production"]:
                yield f"the labels of {name} are not of the service {service} in production"
            if "com.datadoghq.tags.version" in labels:
                yield f"{name} has a label with a version: the event changes nothing but the image's line"

    def containers(self):
        for container in self.all:
            name = container["name"]
            if str(container.get("user", "0")).split(":")[0] in ("0", "root"):
                yield f"{name} runs as root"
            if not container.get("readonlyRootFilesystem"):
                yield f"{name} can write to its root"
            if container.get("privileged") or container["linuxParameters"]["capabilities"].get("drop") != ["ALL"]:
                yield f"{name} keeps capabilities"
            if container["essential"] != (name in ("handson-api", "log-router")):
                yield f"{name} has essential: {container['essential']}"
            # Fargate's own limit.
            if not 2 <= container.get("stopTimeout", 30) <= 120:
                yield f"{name} has a stopTimeout of {container['stopTimeout']} s"
        writable = {volume["containerPath"] for volume in self.by_name["datadog-agent"]["linuxParameters"]["tmpfs"]}
        for path in sorted({"/etc/datadog-agent", "/opt/datadog-agent/run", "/var/run/datadog", "/tmp"} - writable):
            yield f"the Agent cannot write to {path}"

    def starts(self):
        """Health checks, and who waits for whom."""
        commands = {"handson-api": ["CMD", "/handson", "healthcheck"], "datadog-agent": ["CMD-SHELL", "/probe.sh"]}
        for name, command in commands.items():
            if self.by_name[name].get("healthCheck", {}).get("command") != command:
                yield f"{name} has not the health check {command}"
        waits = {}
        for container in self.all:
            waits[container["name"]] = [dependency["containerName"] for dependency in container.get("dependsOn", [])]
            for dependency in container.get("dependsOn", []):
                other = self.by_name.get(dependency["containerName"])
                if other is None:
                    yield f"{container['name']} waits for {dependency['containerName']}, which is not there"
                elif dependency["condition"] == "HEALTHY" and "healthCheck" not in other:
                    yield f"{container['name']} waits for the health of {other['name']}, which has no check"
                elif dependency["condition"] in ("SUCCESS", "COMPLETE"):
                    yield f"{container['name']} waits for the end of {other['name']}"
        if not {"log-router", "datadog-agent"} <= set(waits["handson-api"]) or waits["loadtest"] != ["handson-api"]:
            yield "the order of start is not log-router and datadog-agent, handson-api, loadtest"
        if waits["log-router"] or waits["datadog-agent"]:
            yield "a container waits in a circle"

    def logs(self):
        for name, service in ("handson-api", self.service), ("loadtest", f"loadtest-{self.service}"):
            log = self.by_name[name]["logConfiguration"]
            options = log["options"]
            if log["logDriver"] != "awsfirelens" or options.get("Name") != "datadog":
                yield f"the lines of {name} do not go by FireLens to Datadog"
            tags = f"env:production,backend:{self.prefix}"
            if options.get("dd_service") != service or options.get("dd_tags") != tags:
                yield f"the lines of {name} are not of the service {service} and of {self.prefix} in production"
        for name in "datadog-agent", "log-router":
            log = self.by_name[name]["logConfiguration"]
            if log["logDriver"] != "awslogs" or log["options"].get("awslogs-group") != f"/handson/{self.application}":
                yield f"the lines of {name} do not go to /handson/{self.application}"
        options = self.by_name["log-router"]["firelensConfiguration"]["options"]
        if options.get("config-file-value") != "/fluent-bit/configs/parse-json.conf":
            yield "FireLens does not lift the keys of a JSON line: Datadog would not find the ids"

    def secrets(self):
        for container in self.all:
            log, name = container["logConfiguration"], container["name"]
            references = container.get("secrets", []) + log.get("secretOptions", [])
            if not references and name != "log-router":
                yield f"{name} has no reference to the key of Datadog"
            for reference in references:
                if reference["valueFrom"] != KEY:
                    yield f"{name} takes {reference['name']} from {reference['valueFrom']}, not {KEY}"
            open_text = {pair["name"]: pair["value"] for pair in container.get("environment", [])} | log["options"]
            for key, value in open_text.items():
                named = re.search(r"api_?key|app_?key|secret|token|password", key, re.I)
                if named or re.fullmatch(r"[0-9a-f]{32,}", value):
                    yield f"{key} of {name} is a secret in open text"

    def balancer(self):
        groups = self.app["spec"]["input"].get("targetGroups", {})
        ports = {(container["name"], mapping["containerPort"]) for container in self.all
                 for mapping in container.get("portMappings", [])}
        for variant, group in groups.items():
            if (group["containerName"], group["containerPort"]) not in ports:
                yield f"the {variant} target group is for a port that no container has"
        if groups and groups["primary"]["targetGroupArn"] == groups["canary"]["targetGroupArn"]:
            yield "both target groups are the same one"
        if bool(groups) != ("pipeline" in self.app["spec"]):
            yield "target groups without a pipeline, or a pipeline without target groups"

    def distribution(self):
        """The workflow builds what the task runs, and pushes it where the task finds it."""
        shared = load(self.files[f"{WORKFLOW}.yaml"])["jobs"]["push"]
        platform = PLATFORMS[self.task["runtimePlatform"]["cpuArchitecture"]]
        if shared["env"]["PLATFORM"] != platform:
            yield f"the workflow builds for {shared['env']['PLATFORM']}, the task runs {platform}"
        if shared["runs-on"].endswith("-arm") != (platform == PLATFORMS["ARM64"]):
            yield f"the images for {platform} are built on {shared['runs-on']}"
        job = self.workflow["jobs"]["distribute"]
        wanted = {"prefix": self.prefix, "folder": "." if self.name == "canary" else self.prefix,
                  "role": f"{self.prefix}-github-actions"}
        for key, value in wanted.items():
            if job["with"][key].split("/")[-1] != value:
                yield f"the workflow has {key} {job['with'][key]}, not {value}"
        if not job["uses"].endswith("/" + WORKFLOW + ".yaml"):
            yield f"the workflow calls {job['uses']}"
        registry = self.all[0]["image"].split("/")[0]
        account, _, _, region = registry.split(".")[:4]
        if region != job["with"]["region"] or account != job["with"]["role"].split(":")[4]:
            yield f"the workflow pushes to another account or region than that of {registry}"
        if registry != self.all[1]["image"].split("/")[0]:
            yield "the two images are of two registries"
        steps = " ".join(step.get("run", "") for step in shared["steps"])
        for text in ("--build-arg \"BACKEND=$FOLDER\"", "--build-arg \"GIT_COMMIT_SHA=$GITHUB_SHA\"",
                     "--build-arg \"GIT_REPOSITORY_URL=", "-$1-image:$GITHUB_SHA"):
            if text not in steps:
                yield f"the workflow does not say {text}"
        events = [step["with"]["event-name"] for step in shared["steps"] if "event-name" in step.get("with", {})]
        if events != ["${{ inputs.prefix }}-server-image", "${{ inputs.prefix }}-loadtest-image"]:
            yield f"the workflow registers the events {events}"

    def marks(self):
        for file in (f"{ENV}{self.name}/{part}.yaml" for part in ("taskdef", "servicedef", "app.pipecd")):
            for mark in sorted(set(re.findall(r"TODO\w*", self.files[file])) - MARKS):
                yield f"{mark} is not a mark that anybody looks for"


def derived(files, name):
    """The files with a backend that `cargo workshop infra NAME` would derive from base: names, and nothing else."""
    copy = dict(files)
    for file, text in files.items():
        if f"{ENV}base/" in file or file == f"{WORKFLOW}-base.yaml":
            for form in "handson-api-", "backend-", "handson-":
                text = text.replace(form + "base", form + name)
            copy[file.replace("-base", f"-{name}")] = text
    return copy


# Mistakes that somebody may make: in a file of base, one text instead of another, and what must be said.
TASK, SERVICE, APP = (f"{ENV}base/{file}.yaml" for file in ("taskdef", "servicedef", "app.pipecd"))
CANARY, OWN, SHARED = f"{ENV}canary/app.pipecd.yaml", f"{WORKFLOW}-base.yaml", f"{WORKFLOW}.yaml"
MISTAKES = [
    (TASK, "readonlyRootFilesystem: true", "readOnlyRootFilesystem: true",
     'Unknown parameter in containerDefinitions[0]: "readOnly'),
    (TASK, "    cpu: 192", "    cpu: lots", "Invalid type for parameter containerDefinitions[0].cpu"),
    (TASK, "networkMode: awsvpc", "networkMode: vpc", "RegisterTaskDefinition.networkMode: 'vpc' is none of"),
    (TASK, "condition: HEALTHY", "condition: HEALTH", "dependsOn[0].condition: 'HEALTH' is none of"),
    (TASK, "logDriver: awslogs", "logDriver: aws-logs", "logDriver: 'aws-logs' is none of"),
    (TASK, "family: handson-api-base", "", 'Missing required parameter in input: "family"'),
    (TASK, 'memory: "1024"', 'memory: "512"', "no size of 512 CPU units and 512 MiB"),
    (TASK, 'cpu: "512"', 'cpu: "500"', "no size of 500 CPU units"),
    (TASK, "memory: 640", "memory: 768", "memory of the containers adds up to 1088"),
    (TASK, "cpu: 192", "cpu: 448", "cpu of the containers adds up to 672"),
    (TASK, "  - name: loadtest\n", "  - name: load\n", "the containers are not"),
    (TASK, "family: handson-api-base", "family: handson-api", "the task's family is handson-api,"),
    (TASK, "role/handson-task\n", "role/handson\n", "taskRoleArn is handson,"),
    (TASK, "backend-base-server-image:", "backend-base-loadtest-image:",
     "the image of handson-api is backend-base-loadtest-image"),
    (TASK, "aws-for-fluent-bit:3.4.14", "aws-for-fluent-bit:stable", "the image of log-router has no whole version"),
    (TASK, "datadog/agent:7.84.6", "datadog/agent:7.84.5", "compose.yaml has another Agent"),
    (TASK, "value: backend-base", "value: handson-base", "BACKEND_NAME of handson-api is handson-base"),
    (TASK, "value: none", "value: otlp", "OTEL_LOGS_EXPORTER of handson-api is otlp"),
    (TASK, "value: localhost:4318", "value: localhost:4317",
     "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT of datadog-agent is"),
    (TASK, "- name: DD_SITE", "- name: DD_HOSTNAME", "no DD_HOSTNAME"),
    (TASK, "- name: HOST\n", "- name: DD_VERSION\n", "handson-api is told its version"),
    (TASK, "tags.env: production", "tags.env: production\n      com.datadoghq.tags.version: \"1\"",
     "a label with a version"),
    (TASK, "tags.service: loadtest-handson-base", "tags.service: loadtest", "the labels of loadtest"),
    (TASK, '      - --duration\n      - "0"', '      - --duration\n      - 5m', "not told --duration 0"),
    (TASK, 'user: "100"', 'user: "0:100"', "datadog-agent runs as root"),
    (TASK, "    readonlyRootFilesystem: true\n", "", "handson-api can write to its root"),
    (TASK, "          - ALL", "          - CHOWN", "handson-api keeps capabilities"),
    (TASK, "essential: false", "essential: true", "loadtest has essential: True"),
    (TASK, "stopTimeout: 45", "stopTimeout: 450", "a stopTimeout of 450 s"),
    (TASK, "containerPath: /tmp", "containerPath: /temp", "the Agent cannot write to /tmp"),
    (TASK, "        - healthcheck", "        - health", "handson-api has not the health check"),
    (TASK, "containerName: handson-api", "containerName: api", "waits for api, which is not there"),
    (TASK, "condition: START", "condition: HEALTHY", "waits for the health of log-router, which has no check"),
    (TASK, "condition: START", "condition: SUCCESS", "waits for the end of log-router"),
    (TASK, "logDriver: awsfirelens", "logDriver: awslogs", "the lines of handson-api do not go by FireLens"),
    (TASK, "dd_service: handson-base", "dd_service: handson", "the lines of handson-api are not of the service"),
    (TASK, "awslogs-group: /handson/handson-api-base", "awslogs-group: /handson/base",
     "do not go to /handson/handson-api-base"),
    (TASK, "parse-json.conf", "parse.conf", "FireLens does not lift the keys"),
    (TASK, "valueFrom: /handson/datadog-api-key", "valueFrom: /datadog-api-key", "takes apikey from /datadog-api-key"),
    (TASK, "- name: DD_SITE", "- name: DD_API_KEY", "DD_API_KEY of datadog-agent is a secret in open text"),
    (TASK, "TLS: \"on\"", "TLS: \"on\"\n        apikey: abc", "apikey of handson-api is a secret in open text"),
    (TASK, "X86_64", "ARM64", "the workflow builds for linux/amd64, the task runs linux/arm64"),
    (TASK, "TODO_AWS_REGION", "TODO_REGION", "TODO_REGION is not a mark"),
    (TASK, "TODO_AWS_ACCOUNT_ID.dkr", "123456789012.dkr", "another account or region"),
    (SERVICE, "launchType:", "launchtype:", 'Unknown parameter in input: "launchtype"'),
    (SERVICE, "assignPublicIp: ENABLED", "assignPublicIp: true", "Invalid type for parameter networkConfiguration"),
    (SERVICE, "schedulingStrategy: REPLICA", "schedulingStrategy: REPLICAS", "'REPLICAS' is none of"),
    (SERVICE, "serviceName: handson-api-base", "serviceName: handson-base", "serviceName is handson-base"),
    (SERVICE, "type: EXTERNAL", "type: ECS", "the deployment controller is ECS"),
    (SERVICE, "cluster: handson-app-cluster", "cluster: handson", "cluster is handson,"),
    (APP, "[0].image", "[1].image", "the event backend-base-server-image changes $.containerDefinitions[1].image"),
    (APP, "name: backend-base-loadtest-image", "name: backend-base-load-image",
     "no event watcher for backend-base-loadtest-image"),
    (APP, "name: handson-api-base", "name: handson-base", "spec.name of app.pipecd.yaml is handson-base"),
    (APP, "taskDefinitionFile: taskdef.yaml", "taskDefinitionFile: task.yaml", "task.yaml, which is not there"),
    (CANARY, "containerPort: 8080", "containerPort: 80",
     "the primary target group is for a port that no container has"),
    (CANARY, "TODO_CANARY_TARGET", "TODO_PRIMARY_TARGET", "both target groups are the same one"),
    (CANARY, "  pipeline:", "  pipelines:", "target groups without a pipeline"),
    (OWN, "prefix: backend-base", "prefix: backend-canary", "the workflow has prefix backend-canary"),
    (OWN, "folder: backend-base", "folder: .", "the workflow has folder ."),
    (OWN, "role/backend-base-", "role/handson-", "the workflow has role"),
    (OWN, "distribute-backend.yaml", "distribute.yaml", "the workflow calls"),
    (TASK, "value: 0.0.0.0", "value: 127.0.0.1", "HOST of handson-api is 127.0.0.1"),
    (SHARED, "    runs-on: ubuntu-24.04\n    timeout-minutes: 60", "    runs-on: ubuntu-24.04-arm\n    timeout-minutes: 60",
     "the images for linux/amd64 are built on ubuntu-24.04-arm"),
    (SHARED, "linux/amd64", "linux/arm64", "the workflow builds for linux/arm64"),
    (SHARED, "GIT_COMMIT_SHA=$GITHUB_SHA", "VERSION=$GITHUB_SHA",
     "the workflow does not say --build-arg \"GIT_COMMIT_SHA"),
    (SHARED, "image:$GITHUB_SHA", "image:latest", "the workflow does not say -$1-image:$GITHUB_SHA"),
    (SHARED, "prefix }}-server-image", "prefix }}-api-image", "the workflow registers the events"),
]


def unnoticed(files):
    for file, right, wrong, said in MISTAKES:
        if right not in files[file]:
            yield f"{file}: the mistake {wrong!r} cannot be made: there is no {right!r}"
            continue
        found = check({**files, file: files[file].replace(right, wrong, 1)}, registering=False)
        if not any(said in line for line in found):
            yield f"{file}: {wrong!r} is not called {said!r}, but: {found or 'nothing'}"


def main():
    files = read()
    found = check(files)
    if not found:
        another = derived(files, "sakura")
        found = check(another)
        for file, text in another.items():
            if "-sakura" in file and re.search(r"\bbase\b", text):
                found.append(f"{file} still says base, so the name of another backend cannot be put there")
    found = found or list(unnoticed(files))
    if found:
        sys.exit("\n".join(found))
    count = sum(file.endswith("/taskdef.yaml") for file in files)
    print(f"{count} backends and one derived from base: ECS, moto and the workflows agree. "
          f"{len(MISTAKES)} mistakes, each named")


if __name__ == "__main__":
    main()
