output "roles" {
  description = "For each backend the role that its workflow takes."
  value       = { for prefix, role in aws_iam_role.this : prefix => role.arn }
}
