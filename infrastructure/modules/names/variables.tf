variable "prefixes" {
  description = "The backends, each as backend-NAME, which is also its folder. Sorted."
  type        = list(string)

  validation {
    condition     = length(var.prefixes) > 0
    error_message = "There is no backend: prefixes is empty."
  }

  # ECR does not allow two hyphens in a row in the name of a repository, or a hyphen at the end of a part.
  validation {
    condition     = alltrue([for prefix in var.prefixes : can(regex("^backend-[a-z][a-z0-9]*(-[a-z0-9]+)*$", prefix))])
    error_message = "A prefix is backend-NAME. NAME begins with a letter, and has small letters, digits and single hyphens inside."
  }

  # The name of a target group may have 32 characters: handson-NAME-primary.
  validation {
    condition     = alltrue([for prefix in var.prefixes : length(prefix) >= 10 && length(prefix) <= 23])
    error_message = "NAME of a prefix backend-NAME has 2 to 15 characters."
  }

  validation {
    condition     = length(distinct(var.prefixes)) == length(var.prefixes)
    error_message = "A prefix is there twice."
  }

  # If the list is sorted, two branches that add a name rarely change the same line.
  validation {
    condition     = join(",", var.prefixes) == join(",", sort(var.prefixes))
    error_message = "The prefixes are not sorted."
  }
}

variable "canaries" {
  description = "Those of the prefixes that are deployed as a canary, behind a load balancer. Sorted."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for prefix in var.canaries : contains(var.prefixes, prefix)])
    error_message = "A canary is not among the prefixes."
  }

  validation {
    condition     = length(distinct(var.canaries)) == length(var.canaries)
    error_message = "A canary is there twice."
  }

  validation {
    condition     = join(",", var.canaries) == join(",", sort(var.canaries))
    error_message = "The canaries are not sorted."
  }
}
