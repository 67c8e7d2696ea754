resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Datadog's Agent measures the tasks, and Container Insights would be paid for twice
  name = module.names.cluster

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

# The logs of the Agent and the log router. They go to CloudWatch, because they may report that Datadog cannot be
# reached.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key encrypts it, nothing of a user is in it, and another key costs
  #checkov:skip=CKV_AWS_338:a workshop is over after days, and log_days says how long a line stays
  for_each = module.names.backends

  name              = each.value.log_group
  retention_in_days = var.log_days
}
