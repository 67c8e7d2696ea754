# There is no provider: this module only computes values, so `terraform test` can check it anywhere.
terraform {
  required_version = ">= 1.11.0, < 2.0.0"
}
