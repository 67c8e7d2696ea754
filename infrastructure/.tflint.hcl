# Lints of Terraform. They run in the GitHub workflow, because no package registry has tflint and its rules for AWS.
plugin "terraform" {
  enabled = true
  preset  = "recommended"
}

plugin "aws" {
  enabled = true
  version = "0.48.0"
  source  = "github.com/terraform-linters/tflint-ruleset-aws"
}
