variables {
  prefixes = ["backend-base", "backend-canary", "backend-sakura"]
  canaries = ["backend-canary"]
}

run "a_backend_has_its_names" {
  command = plan

  assert {
    condition = output.backends["backend-sakura"] == {
      application    = "handson-api-sakura"
      log_group      = "/handson/handson-api-sakura"
      server_image   = "backend-sakura-server-image"
      loadtest_image = "backend-sakura-loadtest-image"
      github_role    = "backend-sakura-github-actions"
    }
    error_message = "Not the names of backend-sakura: ${jsonencode(output.backends)}"
  }

  assert {
    condition     = length(output.repositories) == 6 && length(distinct(output.repositories)) == 6
    error_message = "Not two repositories for each prefix: ${jsonencode(output.repositories)}"
  }

  assert {
    condition = output.canaries == {
      backend-canary = {
        load_balancer = "handson-canary"
        primary       = "handson-canary-primary"
        canary        = "handson-canary-canary"
      }
    }
    error_message = "Not the names of the canary: ${jsonencode(output.canaries)}"
  }
}

# Every pattern must match names of this module, and each name must match a pattern.
run "the_patterns_match_the_names" {
  command = plan

  assert {
    condition = alltrue([
      for repository in output.repositories : anytrue([
        for pattern in output.repository_patterns : can(regex("^${replace(pattern, "*", ".+")}$", repository))
      ])
    ])
    error_message = "A repository that no pattern matches: ${jsonencode(output.repositories)}"
  }

  assert {
    condition = alltrue([
      for backend in output.backends : can(regex("^${replace(output.log_group_pattern, "*", ".+")}$", backend.log_group))
    ])
    error_message = "A log group that the pattern does not match."
  }
}

# The longest name. Application Load Balancers and target groups may have 32 characters.
run "names_fit_the_limits" {
  command = plan

  variables {
    prefixes = ["backend-abcdefghijklmno"]
    canaries = ["backend-abcdefghijklmno"]
  }

  assert {
    condition     = alltrue([for name in values(output.canaries["backend-abcdefghijklmno"]) : length(name) <= 32])
    error_message = "Longer than 32 characters: ${jsonencode(output.canaries)}"
  }
}

# The names that Terraform creates must be those in the files of ECS.
run "the_task_definitions_use_these_names" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for prefix in ["backend-base", "backend-canary"] : [
        for task in [yamldecode(file("../../env/${output.backends[prefix].application}/taskdef.yaml"))] : [
          task.family == output.backends[prefix].application,
          endswith(task.executionRoleArn, ":role/${output.execution_role}"),
          endswith(task.taskRoleArn, ":role/${output.task_role}"),
          endswith(split(":", task.containerDefinitions[0].image)[0], "/${output.backends[prefix].server_image}"),
          endswith(split(":", task.containerDefinitions[1].image)[0], "/${output.backends[prefix].loadtest_image}"),
          [
            for container in task.containerDefinitions :
            try(container.logConfiguration.options["awslogs-group"], output.backends[prefix].log_group) == output.backends[prefix].log_group
          ],
          [
            for container in task.containerDefinitions :
            [for secret in try(container.secrets, []) : secret.valueFrom == output.datadog_key]
          ],
          [
            for container in task.containerDefinitions :
            [for secret in try(container.logConfiguration.secretOptions, []) : secret.valueFrom == output.datadog_key]
          ],
        ]
      ]
    ]))
    error_message = "A taskdef.yaml has another family, role, image, log group or secret than this module names."
  }

  assert {
    condition = alltrue(flatten([
      for prefix in ["backend-base", "backend-canary"] : [
        for service in [yamldecode(file("../../env/${output.backends[prefix].application}/servicedef.yaml"))] : [
          service.cluster == output.cluster,
          service.serviceName == output.backends[prefix].application,
        ]
      ]
    ]))
    error_message = "A servicedef.yaml has another cluster or name than this module names."
  }

  assert {
    condition = alltrue(flatten([
      for prefix in ["backend-base", "backend-canary"] : [
        for job in values(yamldecode(file("../../../.github/workflows/distribute-${prefix}.yaml")).jobs) : [
          job.with.prefix == prefix,
          endswith(job.with.role, ":role/${output.backends[prefix].github_role}"),
        ]
      ]
    ]))
    error_message = "A workflow distribute-*.yaml has another prefix or role than this module names."
  }
}

run "no_backend_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = []
    canaries = []
  }
}

run "a_name_without_backend_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-base", "backend-canary", "sakura"]
  }
}

run "a_capital_letter_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-Sakura", "backend-base", "backend-canary"]
  }
}

run "two_hyphens_are_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-base", "backend-canary", "backend-sakura--2"]
  }
}

run "a_hyphen_at_the_end_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-base", "backend-canary", "backend-sakura-"]
  }
}

run "a_name_that_is_too_long_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-abcdefghijklmnop", "backend-canary"]
  }
}

run "a_name_that_is_too_short_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-a", "backend-canary"]
  }
}

run "a_prefix_twice_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-base", "backend-canary", "backend-canary"]
  }
}

run "another_order_is_refused" {
  command         = plan
  expect_failures = [var.prefixes]

  variables {
    prefixes = ["backend-canary", "backend-base"]
  }
}

run "a_canary_without_a_backend_is_refused" {
  command         = plan
  expect_failures = [var.canaries]

  variables {
    canaries = ["backend-canary", "backend-tulip"]
  }
}

run "a_canary_twice_is_refused" {
  command         = plan
  expect_failures = [var.canaries]

  variables {
    canaries = ["backend-canary", "backend-canary"]
  }
}

run "canaries_in_another_order_are_refused" {
  command         = plan
  expect_failures = [var.canaries]

  variables {
    canaries = ["backend-sakura", "backend-canary"]
  }
}
