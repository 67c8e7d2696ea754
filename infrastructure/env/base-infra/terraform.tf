terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    # Pinned to a series: a new major version may rename arguments.
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # Bucket and region belong to the owner: `terraform init -backend-config=backend.hcl`, see backend.hcl.example.
  backend "s3" {
    key          = "handson/base-infra.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

# Credentials are those of the person who runs this, so no file contains them.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project = "handson"
      folder  = "infrastructure/env/base-infra"
    }
  }
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}
