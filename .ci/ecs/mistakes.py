"""Mistakes that somebody may make: the file, a text in it, another in its place, and what must be said."""

BASE = "infrastructure/env/handson-api-base/"
CANARY = "infrastructure/env/handson-api-canary/"
REUSABLE = ".github/workflows/distribute-backend.yaml"
CALLER = ".github/workflows/distribute-backend-base.yaml"

MISTAKES = [
    # Shapes and enums.
    (BASE + "taskdef.yaml", "readonlyRootFilesystem: true", "readOnlyRootFilesystem: true", "Unknown parameter"),
    (BASE + "taskdef.yaml", "startPeriod: 10", "startingPeriod: 10", "Unknown parameter"),
    (BASE + "taskdef.yaml", "family: handson-api-base\n", "", "Missing required parameter"),
    (BASE + "taskdef.yaml", 'cpu: "512"', "cpu: 512", "Invalid type for parameter cpu"),
    (BASE + "taskdef.yaml", "memory: 128", 'memory: "128"', "Invalid type for parameter containerDefinitions[0].memory"),
    (BASE + "taskdef.yaml", "networkMode: awsvpc", "networkMode: vpc", "networkMode: vpc is none of"),
    (BASE + "taskdef.yaml", "cpuArchitecture: X86_64", "cpuArchitecture: AMD64", "cpuArchitecture: AMD64 is none of"),
    (BASE + "taskdef.yaml", "condition: HEALTHY", "condition: healthy", "condition: healthy is none of"),
    (BASE + "taskdef.yaml", "logDriver: awslogs", "logDriver: cloudwatch", "logDriver: cloudwatch is none of"),
    (BASE + "servicedef.yaml", "launchType: FARGATE", "launchType: Fargate", "launchType: Fargate is none of"),
    (BASE + "servicedef.yaml", "assignPublicIp: ENABLED", "assignPublicIp: true", "Invalid type for parameter"),
    (BASE + "servicedef.yaml", "desiredCount: 1", "desired_count: 1", "Unknown parameter"),
    (CANARY + "servicedef.yaml", "type: EXTERNAL", "type: PIPECD", "type: PIPECD is none of"),
    # Sizes.
    (BASE + "taskdef.yaml", 'memory: "1024"', 'memory: "512"', "Fargate has no task of cpu 512 and memory 512"),
    (BASE + "taskdef.yaml", 'memory: "1024"', 'memory: "1536"', "Fargate has no task of cpu 512 and memory 1536"),
    (BASE + "taskdef.yaml", "memory: 640", "memory: 800", "the containers take memory"),
    (BASE + "taskdef.yaml", "cpu: 192", "cpu: 400", "the containers take cpu"),
    # Names and order.
    (BASE + "taskdef.yaml", "- name: loadtest\n", "- name: load\n", "in this order"),
    (BASE + "taskdef.yaml", "family: handson-api-base", "family: handson-base", "the family is named handson-base"),
    (BASE + "servicedef.yaml", "serviceName: handson-api-base", "serviceName: base", "the service is named base"),
    (BASE + "taskdef.yaml", "backend-base-server-image:", "backend-base-image:", "the image of container 0"),
    (BASE + "taskdef.yaml", "backend-base-loadtest-image:", "backend-base-server-image:", "the image of container 1"),
    (BASE + "app.pipecd.yaml", "containerDefinitions[1]", "containerDefinitions[2]", "change the image of container 1"),
    (CALLER, "prefix: backend-base", "prefix: backend-canary", "the workflow is of another backend"),
    # Least rights.
    (BASE + "taskdef.yaml", 'user: "10001:10001"', 'user: "0:0"', "handson-api: it runs as root"),
    (BASE + "taskdef.yaml", '    user: "100"\n', "", "datadog-agent: it runs as root"),
    (BASE + "taskdef.yaml", "readonlyRootFilesystem: true", "readonlyRootFilesystem: false", "can be written"),
    (BASE + "taskdef.yaml", "          - ALL", "          - NET_RAW", "it keeps capabilities"),
    (BASE + "taskdef.yaml", "- name: DD_SITE", "- name: DD_API_KEY", "DD_API_KEY is a secret"),
    (BASE + "taskdef.yaml", "    stopTimeout: 30\n", "    stopTimeout: 300\n", "stopTimeout of at most 120 s"),
    # Telemetry.
    (BASE + "taskdef.yaml", "value: none", "value: otlp", "OTEL_LOGS_EXPORTER is otlp"),
    (BASE + "taskdef.yaml", "value: backend-base\n", "value: backend\n", "BACKEND_NAME is backend"),
    (BASE + "taskdef.yaml", "value: 0.0.0.0", "value: 127.0.0.1", "HOST is 127.0.0.1"),
    (BASE + "taskdef.yaml", "value: http://localhost:4318", "value: http://localhost:4317", "to another place than the Agent's"),
    (BASE + "taskdef.yaml", "value: localhost:4318", "value: localhost:4319", "to another place than the Agent's"),
    (BASE + "taskdef.yaml", "logDriver: awsfirelens", "logDriver: awslogs", "do not go by FireLens"),
    (BASE + "taskdef.yaml", "dd_service: handson-base", "dd_service: handson", "of two services"),
    (BASE + "taskdef.yaml", '- "5"', '- "50"', "loadtest: --rate is 50, not 5"),
    (BASE + "taskdef.yaml", "essential: false", "essential: true", "go on without load generator"),
    (BASE + "taskdef.yaml", "com.datadoghq.tags.env: production", 'com.datadoghq.tags.version: "1"', "the version is in the image"),
    (BASE + "taskdef.yaml", "- name: GRACE_PERIOD", "- name: DD_VERSION", "the version is in the image"),
    # The architecture.
    (REUSABLE, "PLATFORM: linux/amd64", "PLATFORM: linux/arm64", "are built for linux/arm64, the task runs on X86_64"),
    (CANARY + "taskdef.yaml", "cpuArchitecture: X86_64", "cpuArchitecture: ARM64", "built for linux/amd64, the task runs on ARM64"),
]
