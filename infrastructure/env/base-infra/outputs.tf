# The values for the marks in the files of ECS and in the workflows: TODO_ and a name.

output "account_id" {
  description = "The mark for the account."
  value       = data.aws_caller_identity.this.account_id
}

output "region" {
  description = "The mark for the region."
  value       = var.region
}

output "subnet_ids" {
  description = "The marks for the two subnets: any two of these."
  value       = local.subnet_ids
}

output "task_security_group_id" {
  description = "The mark for the security group."
  value       = aws_security_group.task.id
}

output "target_groups" {
  description = "For each canary the marks for its target groups."
  value = {
    for prefix in local.canaries : prefix => {
      primary = aws_lb_target_group.primary[prefix].arn
      canary  = aws_lb_target_group.canary[prefix].arn
    }
  }
}

output "addresses" {
  description = "For each canary where its load balancer answers."
  value       = { for prefix in local.canaries : prefix => "http://${aws_lb.this[prefix].dns_name}/handson" }
}

output "execution_role_arn" {
  description = "executionRoleArn of the task definitions, which is right already."
  value       = aws_iam_role.execution.arn
}

output "task_role_arn" {
  description = "taskRoleArn of the task definitions, which is right already."
  value       = aws_iam_role.task.arn
}
