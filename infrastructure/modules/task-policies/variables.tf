variable "partition" {
  description = "Partition of AWS: aws, or for example aws-cn."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "account_id" {
  description = "Account of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account of AWS has 12 digits."
  }
}

variable "repository_patterns" {
  description = "ECR repositories from which a task may take its images, as patterns of IAM."
  type        = list(string)

  validation {
    condition     = length(var.repository_patterns) > 0 && alltrue([for pattern in var.repository_patterns : startswith(pattern, "backend-")])
    error_message = "At least one pattern, and each begins with backend-: anything else is not the workshop's."
  }
}

variable "log_group_pattern" {
  description = "Log groups to which a task may write, as a pattern of IAM."
  type        = string

  validation {
    condition     = startswith(var.log_group_pattern, "/handson/")
    error_message = "It begins with /handson/: anything else is not the workshop's."
  }
}

variable "datadog_key" {
  description = "SSM parameter that a task may read: its name, which begins with a slash."
  type        = string

  validation {
    condition     = can(regex("^/[A-Za-z0-9/_.-]+$", var.datadog_key))
    error_message = "One parameter by its whole name, which begins with a slash: no pattern."
  }
}
