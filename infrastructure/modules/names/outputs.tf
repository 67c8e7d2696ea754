output "backends" {
  description = "For each prefix the names of what belongs to it."
  value       = local.backends
}

output "canaries" {
  description = "For each canary its load balancer and two target groups."
  value       = local.canaries
}

output "repositories" {
  description = "All ECR repositories: two for each prefix."
  value       = flatten([for backend in local.backends : [backend.server_image, backend.loadtest_image]])
}

# Patterns, because the size of a role's policy is limited: the names of about forty backends would reach the limit.
output "repository_patterns" {
  description = "What the names of all ECR repositories match, in a policy of IAM."
  value       = ["backend-*-server-image", "backend-*-loadtest-image"]
}

output "log_group_pattern" {
  description = "What the names of all log groups match, in a policy of IAM."
  value       = "/handson/handson-api-*"
}

output "cluster" {
  description = "The ECS cluster of all backends."
  value       = "handson-app-cluster"
}

output "execution_role" {
  description = "The role with which ECS starts a task."
  value       = "handson-task-execution"
}

output "task_role" {
  description = "The role of the programs in a task."
  value       = "handson-task"
}

output "datadog_key" {
  description = "The SSM parameter with Datadog's API key."
  value       = "/handson/datadog-api-key"
}
