variable "partition" {
  description = "Partition of AWS: aws, or for example aws-cn."
  type        = string
}

variable "region" {
  description = "Region of the repositories."
  type        = string
}

variable "account_id" {
  description = "Account of the repositories."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account of AWS has 12 digits."
  }
}

variable "provider_arn" {
  description = "GitHub's OIDC provider in this account: its ARN."
  type        = string
}

variable "subjects" {
  description = "Runs of GitHub Actions that may take the role: the `sub` of their tokens, word for word."
  type        = list(string)

  validation {
    condition     = length(var.subjects) > 0
    error_message = "Nobody could take the role: subjects is empty."
  }

  # StringEquals treats a star as a literal star, so a pattern would match nothing. And a pattern would let in forks
  # and pull requests.
  validation {
    condition     = alltrue([for subject in var.subjects : !strcontains(subject, "*") && !strcontains(subject, "?")])
    error_message = "A subject is a whole one, without * and ?."
  }

  # A pull request runs the code of its author.
  validation {
    condition = alltrue([
      for subject in var.subjects :
      can(regex("^repo:[A-Za-z0-9_.-]+(@[0-9]+)?/[A-Za-z0-9_.-]+(@[0-9]+)?:(ref:refs/(heads|tags)/.+|environment:.+)$", subject))
    ])
    error_message = "A subject is repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH, or with ids repo:OWNER@ID/REPOSITORY@ID:ref:refs/heads/BRANCH; also with refs/tags/TAG or environment:NAME."
  }
}

variable "repositories" {
  description = "ECR repositories into which the role may push: the two of one backend, by name."
  type        = list(string)

  validation {
    condition     = length(var.repositories) == 2
    error_message = "A backend has two repositories."
  }

  validation {
    condition     = alltrue([for repository in var.repositories : can(regex("^backend-[a-z0-9-]+-image$", repository))])
    error_message = "A repository is backend-NAME-server-image or backend-NAME-loadtest-image: no pattern."
  }
}
