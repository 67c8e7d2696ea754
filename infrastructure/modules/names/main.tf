# The names that several parts of the repository use: Terraform creates a resource, and the task definition, PipeCD or
# a workflow uses it. names.tftest.hcl reads those files and compares the names.
locals {
  # backend-sakura -> sakura
  names = { for prefix in var.prefixes : prefix => trimprefix(prefix, "backend-") }

  backends = {
    for prefix, name in local.names : prefix => {
      # Also the name of the ECS service, the family of its tasks, and the folder under infrastructure/env.
      application = "handson-api-${name}"
      # For the logs of the containers other than the service and the load generator, whose logs go to Datadog.
      log_group      = "/handson/handson-api-${name}"
      server_image   = "${prefix}-server-image"
      loadtest_image = "${prefix}-loadtest-image"
      github_role    = "${prefix}-github-actions"
    }
  }

  canaries = {
    for prefix in var.canaries : prefix => {
      load_balancer = "handson-${local.names[prefix]}"
      primary       = "handson-${local.names[prefix]}-primary"
      canary        = "handson-${local.names[prefix]}-canary"
    }
  }
}
