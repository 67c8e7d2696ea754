output "assume_role" {
  description = "Who may take the two roles of a task, as JSON."
  value       = jsonencode(local.assume_role)
}

output "execution" {
  description = "What the execution role may do, as JSON."
  value       = jsonencode(local.execution)
}
