# No provider: what this module says is computed, so `terraform test` can judge it anywhere.
terraform {
  required_version = ">= 1.11.0, < 2.0.0"
}
