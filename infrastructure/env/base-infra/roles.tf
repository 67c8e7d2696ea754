module "policies" {
  source = "../../modules/task-policies"

  partition           = data.aws_partition.this.partition
  region              = var.region
  account_id          = data.aws_caller_identity.this.account_id
  repository_patterns = module.names.repository_patterns
  log_group_pattern   = module.names.log_group_pattern
  datadog_key         = module.names.datadog_key
}

# For what ECS does before a program of the task runs: pull images, create log streams, read the key.
resource "aws_iam_role" "execution" {
  name               = module.names.execution_role
  description        = "ECS takes it to start a task of the workshop"
  assume_role_policy = module.policies.assume_role
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-a-task"
  role   = aws_iam_role.execution.name
  policy = module.policies.execution
}

# For the programs. They call no AWS API, so it has no policy.
resource "aws_iam_role" "task" {
  name               = module.names.task_role
  description        = "The programs in a task of the workshop have it"
  assume_role_policy = module.policies.assume_role
}
