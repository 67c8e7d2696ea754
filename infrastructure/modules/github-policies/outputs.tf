output "assume_role" {
  description = "Who may take the role, as JSON."
  value       = jsonencode(local.assume_role)
}

output "push" {
  description = "What the role may do, as JSON."
  value       = jsonencode(local.push)
}
