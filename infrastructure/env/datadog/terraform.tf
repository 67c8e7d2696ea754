terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    # Pinned to a series: a new major version may rename arguments.
    datadog = {
      source  = "DataDog/datadog"
      version = "~> 3.82"
    }
  }

  # Bucket and region belong to the owner: `terraform init -backend-config=backend.hcl`, see backend.hcl.example.
  backend "s3" {
    key          = "handson/datadog.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

# The two keys come from the variables DD_API_KEY and DD_APP_KEY of the person who runs this, so no file contains them.
provider "datadog" {
  api_url = "https://api.${var.datadog_site}/"
}
