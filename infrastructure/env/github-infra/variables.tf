variable "region" {
  description = "Region of AWS in which the repositories are."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region of AWS, such as ap-northeast-1."
  }
}

# modules/github-policies defines which ones are accepted.
variable "subjects" {
  description = "Runs of GitHub Actions that may push images: the `sub` of their tokens, for example repo:OWNER/REPOSITORY:ref:refs/heads/main."
  type        = list(string)
}

variable "make_provider" {
  description = "Whether to make GitHub's OIDC provider. An account can have one: false where it has it already."
  type        = bool
  default     = true
}
