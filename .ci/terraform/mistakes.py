"""Mistakes as somebody might make them. Each has to be noticed, and for its own reason."""

BASE = "infrastructure/env/base-infra/"
GITHUB = "infrastructure/env/github-infra/"
DATADOG = "infrastructure/env/datadog/"
MODULES = "infrastructure/modules/"

# File, what stands there, what somebody writes instead, and a word of what has to be said.
MISTAKES = [
    # Arguments and blocks of the providers
    (BASE + "repositories.tf", "image_tag_mutability", "image_tag_mutable", "no argument image_tag_mutable"),
    (BASE + "repositories.tf", "scan_on_push", "scan_on_pull", "no argument scan_on_pull"),
    (BASE + "repositories.tf", "image_scanning_configuration {", "image_scanning {", "no block image_scanning"),
    (BASE + "repositories.tf", "image_scanning_configuration {", "image_scanning_configuration = {", "is a block"),
    (BASE + "repositories.tf", "  policy = jsonencode", "  rules = jsonencode", "needs policy"),
    (
        BASE + "repositories.tf",
        "aws_ecr_lifecycle_policy",
        "aws_ecr_lifecycle",
        "no provider has the resource aws_ecr_lifecycle",
    ),
    (BASE + "load-balancers.tf", "weight = 100", "share = 100", "no argument share"),
    (BASE + "load-balancers.tf", "    forward {", "    forwards {", "no block forwards"),
    (BASE + "load-balancers.tf", '    type = "forward"\n', "", "needs type"),
    (
        BASE + "load-balancers.tf",
        "ignore_changes = [default_action]",
        "ignore_changes = [default_actions]",
        "no argument default_actions to ignore",
    ),
    (BASE + "load-balancers.tf", "ignore_changes", "ignored_changes", "lifecycle has no argument"),
    (BASE + "load-balancers.tf", "port              = 80", "ports             = 80", "no argument ports"),
    (BASE + "load-balancers.tf", 'path     = "/healthz"', 'paths    = "/healthz"', "no argument paths"),
    (BASE + "network.tf", "map_public_ip_on_launch = false", 'map_public_ip_on_launch = "no"', "is a boolean"),
    (BASE + "network.tf", 'data "aws_availability_zones"', 'data "aws_zones"', "the data source aws_zones"),
    (BASE + "network.tf", "    values = [", "    value  = [", "needs values"),
    (
        BASE + "cluster.tf",
        "retention_in_days = var.log_days",
        "retention_days = var.log_days",
        "no argument retention_days",
    ),
    (BASE + "datadog-key.tf", "value_wo_version = 1", "value_version = 1", "no argument value_version"),
    (BASE + "datadog-key.tf", "  name             = module.names.datadog_key\n", "", "needs name"),
    (BASE + "terraform.tf", "default_tags {", "default_tag {", "no block default_tag"),
    (
        BASE + "roles.tf",
        "assume_role_policy = module.policies.assume_role",
        "trust_policy = module.policies.assume_role",
        "no argument trust_policy",
    ),
    (GITHUB + "provider.tf", "client_id_list = [", "client_ids = [", "no argument client_ids"),
    (
        GITHUB + "provider.tf",
        'client_id_list = ["sts.amazonaws.com"]',
        'client_id_list = "sts.amazonaws.com"',
        "is a list",
    ),
    (DATADOG + "monitors.tf", "require_full_window = false", "full_window = false", "no argument full_window"),
    (DATADOG + "monitors.tf", "monitor_thresholds {", "thresholds {", "no block thresholds"),
    (DATADOG + "monitors.tf", "    critical = 0", "    alert = 0", "no argument alert"),
    (DATADOG + "dashboard.tf", "  dashboard = templatefile", "  json = templatefile", "needs dashboard"),
    # References
    (
        BASE + "security-groups.tf",
        "security_group_id = aws_security_group.task.id",
        "security_group_id = aws_security_group.tasks.id",
        "there is none",
    ),
    (
        BASE + "security-groups.tf",
        "security_group_id = aws_security_group.task.id",
        "security_group_id = aws_security_group.task.group_id",
        "has nothing called group_id",
    ),
    (BASE + "security-groups.tf", "toset(var.visitors)", "toset(var.visitor)", "there is none"),
    (BASE + "security-groups.tf", "vpc_id      = local.vpc_id", "vpc_id      = local.vpc", "there is none"),
    (
        BASE + "network.tf",
        "vpc_id            = aws_vpc.this[0].id",
        "vpc_id            = aws_vpc.this.id",
        "needs an index",
    ),
    (
        BASE + "security-groups.tf",
        "= aws_security_group.load_balancer.id",
        "= aws_security_group.load_balancer[0].id",
        "it has no index",
    ),
    (BASE + "network.tf", "each.value.id", "count.index", "there is no count"),
    (BASE + "roles.tf", "aws_iam_role.execution.name", "each.key", "there is no for_each"),
    (
        BASE + "roles.tf",
        "data.aws_caller_identity.this.account_id",
        "data.aws_caller_identity.this.account",
        "has nothing called account",
    ),
    (BASE + "cluster.tf", "module.names.cluster", "module.names.ecs_cluster", "no output ecs_cluster"),
    (BASE + "cluster.tf", "module.names.cluster", "module.name.cluster", "no such module"),
    (GITHUB + "roles.tf", "module.policies[each.key].push", "module.policies.push", "needs an index"),
    (
        GITHUB + "roles.tf",
        'description        = "GitHub Actions takes it to push the images of ${each.key}"',
        'description = "${each.keys}${role.name}"',
        "there is none",
    ),
    (BASE + "outputs.tf", "aws_lb.this[prefix].dns_name", "aws_lb.this[prefixes].dns", "has nothing called dns"),
    (
        BASE + "outputs.tf",
        "for prefix in local.canaries : prefix => {",
        "for name in local.canaries : name => {",
        "nothing has this name",
    ),
    (BASE + "network.tf", "cidrsubnet(", "cidr_subnet(", "no function"),
    # Modules and variables
    (BASE + "roles.tf", "  datadog_key         = module.names.datadog_key\n", "", "needs datadog_key"),
    (BASE + "names.tf", "canaries = local", "canary = local", "has no variable canary"),
    (BASE + "names.tf", "../../modules/names", "../modules/names", "no source in this repository"),
    (BASE + "variables.tf", 'variable "cidr"', 'variable "vpc_cidr"', "there is none"),
    (
        BASE + "variables.tf",
        '  description = "Addresses of the VPC',
        '  describe = "Addresses of the VPC',
        "no argument describe",
    ),
    (BASE + "variables.tf", "contains([1,", "contain([1,", "no function"),
    (BASE + "outputs.tf", "  value       = var.region\n", "", "has no value"),
    (MODULES + "names/variables.tf", "contains(var.prefixes, prefix)", "contains(var.prefix, prefix)", "there is none"),
    (MODULES + "names/main.tf", 'server_image   = "${prefix}-', 'server_image   = "${local.prefix}-', "there is none"),
    (MODULES + "task-policies/main.tf", "var.account_id", "var.account", "there is none"),
    (GITHUB + "variables.tf", "validation {", "validate {", "no block validate"),
    # What the language does not take
    (BASE + "cluster.tf", 'resource "aws_ecs_cluster" "this" {', 'resource "aws_ecs_cluster" "this"', "neither"),
    (BASE + "cluster.tf", 'value = "disabled"\n  }\n}', 'value = "disabled"\n  }\n', "has no end"),
    (
        BASE + "cluster.tf",
        "  name = module.names.cluster",
        "  name = module.names.cluster\n  name = module.names.cluster",
        "there twice",
    ),
    (BASE + "roles.tf", 'resource "aws_iam_role" "task"', 'resource "aws_iam_role" "execution"', "is there twice"),
    # What a folder has
    (BASE + "terraform.tf", "~> 6.25", "~> 5.0", "pin it to"),
    (BASE + "terraform.tf", "hashicorp/aws", "aws/aws", "the source of aws"),
    (GITHUB + "terraform.tf", "handson/github-infra.tfstate", "handson/base-infra.tfstate", "the key of the state"),
    (GITHUB + "terraform.tf", "    use_lockfile = true\n", "", "look at use_lockfile"),
    (GITHUB + "terraform.tfvars.example", "subjects = [", "subject = [", "does not set subjects"),
    (BASE + "terraform.tfvars.example", "# log_days", "# log_day", "does not tell of log_days"),
    (BASE + "backend.hcl.example", "bucket =", "buckets =", "has to set bucket"),
    (BASE + "app.pipecd.yaml", "        - infrastructure/modules/task-policies\n", "", "triggers nothing"),
    (BASE + "app.pipecd.yaml", "infrastructure/modules/names", "infrastructure/modules/name", "triggers nothing"),
    (DATADOG + "app.pipecd.yaml", "terraformVersion: 1.11.4", "terraformVersion: 1.9.0", "terraformVersion is not"),
    (
        GITHUB + "app.pipecd.yaml",
        "        - -backend-config=backend.hcl",
        "        - -upgrade",
        "does not get backend.hcl",
    ),
    (GITHUB + "app.pipecd.yaml", "name: github-infra", "name: base-infra", "with the name github-infra"),
    (BASE + "variables.tf", "A region of AWS, such", "TODO", "a TODO"),
    (
        BASE + "cluster.tf",
        "CKV_AWS_65:Datadog's Agent measures the tasks, and Container Insights would be paid for twice",
        "CKV_AWS_65",
        "needs its number and a reason",
    ),
    # The lists of backends
    (
        BASE + "prefixes.tf",
        '    "backend-base",\n    "backend-canary",\n',
        '    "backend-canary",\n    "backend-base",\n',
        "not sorted",
    ),
    (BASE + "prefixes.tf", '    "backend-base",\n', '    "backend-base",\n    "backend-base",\n', "there twice"),
    (
        BASE + "prefixes.tf",
        '    "backend-base",\n    "backend-canary",\n',
        '    "backend-base", "backend-canary",\n',
        "not the form",
    ),
    (BASE + "prefixes.tf", '    "backend-canary",\n', '    "backend-canary",\n    "backend-sakura",\n', "not the same"),
    (GITHUB + "prefixes.tf", '    "backend-base",\n', "", "not the same"),
    (
        BASE + "canaries.tf",
        '    "backend-canary",\n',
        '    "backend-canary",\n    "backend-tulip",\n',
        "not in prefixes.tf",
    ),
]


# The lists as they are made, whichever backends there are by now.
LIST = """locals {
  # The backends.
  NAME = [
LINES  ]
}
"""
LISTS = {
    path: LIST.replace("NAME", name).replace("LINES", "".join(f'    "{prefix}",\n' for prefix in prefixes))
    for path, name, prefixes in [
        (BASE + "prefixes.tf", "prefixes", ["backend-base", "backend-canary"]),
        (GITHUB + "prefixes.tf", "prefixes", ["backend-base", "backend-canary"]),
        (BASE + "canaries.tf", "canaries", ["backend-canary"]),
    ]
}


def unnoticed(files, check):
    files = {**files, **LISTS}
    missed = [f"before any mistake: {line}" for line in check(files)]
    for path, there, instead, word in MISTAKES:
        if there not in files[path]:
            missed.append(f"{path} has no {there!r} any more: the mistake cannot be made")
            continue
        said = check({**files, path: files[path].replace(there, instead, 1)})
        if not any(word in line for line in said):
            missed.append(f"{path}: {there!r} became {instead!r}; expected {word!r}, said: {said}")
    return missed
