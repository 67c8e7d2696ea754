# For the folder as stand_in.py writes it: every resource is an output, and values that only AWS knows are
# ATTRIBUTE-of-NAME.

variables {
  region   = "ap-northeast-1"
  visitors = ["203.0.113.0/24"]
}

run "two_repositories_for_each_backend" {
  command = plan

  assert {
    condition     = length(output.aws_ecr_repository__this) == 2 * length(output.aws_cloudwatch_log_group__this)
    error_message = "Not two: ${jsonencode(keys(output.aws_ecr_repository__this))}"
  }

  assert {
    condition = alltrue([
      for repository in output.aws_ecr_repository__this : alltrue([
        repository.image_tag_mutability == "IMMUTABLE",
        repository.image_scanning_configuration[0].scan_on_push,
        repository.encryption_configuration[0].encryption_type == "KMS",
      ])
    ])
    error_message = "A repository that is not immutable, scanned and encrypted."
  }

  assert {
    condition     = keys(output.aws_ecr_lifecycle_policy__this) == keys(output.aws_ecr_repository__this)
    error_message = "A repository whose images stay for ever."
  }

  # AWS requires unique priorities, and a list of tags in rules for tags.
  assert {
    condition = alltrue([
      for policy in output.aws_ecr_lifecycle_policy__this : alltrue([
        for index, rule in jsondecode(policy.policy).rules : alltrue([
          rule.rulePriority == index + 1,
          rule.action.type == "expire",
          rule.selection.tagStatus != "tagged" || can(rule.selection.tagPatternList),
          rule.selection.countType != "sinceImagePushed" || can(rule.selection.countUnit),
        ])
      ])
    ])
    error_message = "A lifecycle policy that ECR would refuse."
  }
}

run "a_network_of_its_own" {
  command = plan

  assert {
    condition     = output.subnet_ids == ["id-of-this-ap-northeast-1a", "id-of-this-ap-northeast-1c"]
    error_message = "Not two subnets in two zones: ${jsonencode(output.subnet_ids)}"
  }

  assert {
    condition = alltrue([
      { for zone, subnet in output.aws_subnet__this : zone => subnet.cidr_block } == {
        ap-northeast-1a = "10.20.0.0/18"
        ap-northeast-1c = "10.20.64.0/18"
      },
      alltrue([for subnet in output.aws_subnet__this : subnet.vpc_id == "id-of-this-0" && !subnet.map_public_ip_on_launch]),
      { for zone, association in output.aws_route_table_association__this : zone => association.subnet_id } == {
        ap-northeast-1a = "id-of-this-ap-northeast-1a"
        ap-northeast-1c = "id-of-this-ap-northeast-1c"
      },
      output.aws_route__internet[0].gateway_id == "id-of-this-0",
    ])
    error_message = "Subnets that overlap, or that have no way out."
  }
}

run "an_existing_network" {
  command = plan

  variables {
    network = {
      vpc_id     = "vpc-1"
      subnet_ids = ["subnet-1", "subnet-2"]
    }
  }

  assert {
    condition = alltrue([
      output.subnet_ids == tolist(["subnet-1", "subnet-2"]),
      length(output.aws_vpc__this) + length(output.aws_subnet__this) + length(output.aws_route__internet) == 0,
      output.aws_security_group__task.vpc_id == "vpc-1",
      output.aws_security_group__load_balancer.vpc_id == "vpc-1",
      output.aws_lb__this["backend-canary"].subnets == tolist(["subnet-1", "subnet-2"]),
      output.aws_lb_target_group__primary["backend-canary"].vpc_id == "vpc-1",
      output.aws_lb_target_group__canary["backend-canary"].vpc_id == "vpc-1",
    ])
    error_message = "A network is created although one exists."
  }
}

run "nobody_but_the_load_balancers_reaches_a_task" {
  command = plan

  assert {
    condition = alltrue([
      output.aws_vpc_security_group_ingress_rule__task.security_group_id == "id-of-task",
      output.aws_vpc_security_group_ingress_rule__task.referenced_security_group_id == "id-of-load_balancer",
      output.aws_vpc_security_group_ingress_rule__task.cidr_ipv4 == "cidr_ipv4-of-task",
      output.aws_vpc_security_group_ingress_rule__task.from_port == 8080,
      output.aws_vpc_security_group_ingress_rule__task.to_port == 8080,
      output.aws_vpc_security_group_egress_rule__task.security_group_id == "id-of-task",
      output.aws_vpc_security_group_egress_rule__task.from_port == 443,
      output.aws_vpc_security_group_egress_rule__load_balancer.security_group_id == "id-of-load_balancer",
      output.aws_vpc_security_group_egress_rule__load_balancer.referenced_security_group_id == "id-of-task",
      output.aws_vpc_security_group_egress_rule__load_balancer.from_port == 8080,
      [for rule in output.aws_vpc_security_group_ingress_rule__load_balancer : rule.cidr_ipv4] == ["203.0.113.0/24"],
      alltrue([for rule in output.aws_vpc_security_group_ingress_rule__load_balancer : rule.security_group_id == "id-of-load_balancer"]),
    ])
    error_message = "The rules let something else through."
  }
}

run "the_key_of_datadog_is_in_no_state" {
  command = plan

  assert {
    condition = alltrue([
      output.aws_ssm_parameter__datadog_key.name == "/handson/datadog-api-key",
      output.aws_ssm_parameter__datadog_key.type == "SecureString",
      # The value is not set.
      output.aws_ssm_parameter__datadog_key.value == "value-of-datadog_key",
      output.aws_ssm_parameter__datadog_key.insecure_value == "insecure_value-of-datadog_key",
      # A new number would overwrite the key.
      output.aws_ssm_parameter__datadog_key.value_wo_version == 1,
    ])
    error_message = "Another parameter than the tasks read, or one whose value Terraform keeps or writes over."
  }
}

run "the_roles_of_a_task" {
  command = plan

  assert {
    condition = alltrue([
      output.aws_iam_role__execution.name == "handson-task-execution",
      output.aws_iam_role__task.name == "handson-task",
      output.aws_iam_role_policy__execution.role == "handson-task-execution",
      jsondecode(output.aws_iam_role__task.assume_role_policy).Statement[0].Principal.Service == "ecs-tasks.amazonaws.com",
      strcontains(output.aws_iam_role_policy__execution.policy, "arn:aws:ssm:ap-northeast-1:123456789012:parameter/handson/datadog-api-key"),
    ])
    error_message = "Not the roles that the task definitions name."
  }
}

# PipeCD finds the load balancer through the primary target group, and in it the action that forwards to both groups.
run "a_canary_has_a_load_balancer_of_its_own" {
  command = plan

  assert {
    condition = alltrue(flatten([
      keys(output.aws_lb__this) == keys(output.target_groups),
      [
        for prefix, listener in output.aws_lb_listener__this : [
          listener.load_balancer_arn == "arn-of-this-${prefix}",
          listener.default_action[0].type == "forward",
          listener.default_action[0].forward[0].target_group == [
            { arn = output.target_groups[prefix].primary, weight = 100 },
            { arn = output.target_groups[prefix].canary, weight = 0 },
          ],
        ]
      ],
      [
        for group in concat(values(output.aws_lb_target_group__primary), values(output.aws_lb_target_group__canary)) : [
          group.target_type == "ip",
          group.port == 8080,
          group.health_check[0].path == "/healthz",
        ]
      ],
      output.aws_lb_target_group__primary["backend-canary"].name == "handson-canary-primary",
      output.aws_lb_target_group__canary["backend-canary"].name == "handson-canary-canary",
      output.aws_lb__this["backend-canary"].name == "handson-canary",
    ]))
    error_message = "PipeCD could not route between the two."
  }
}

run "what_is_no_region_is_refused" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "Tokyo"
  }
}

run "what_is_no_block_of_addresses_is_refused" {
  command         = plan
  expect_failures = [var.visitors]

  variables {
    visitors = ["203.0.113.7"]
  }
}

run "one_subnet_is_refused" {
  command         = plan
  expect_failures = [var.network]

  variables {
    network = {
      vpc_id     = "vpc-1"
      subnet_ids = ["subnet-1", "subnet-1"]
    }
  }
}

run "what_is_no_vpc_is_refused" {
  command         = plan
  expect_failures = [var.network]

  variables {
    network = {
      vpc_id     = "my-network"
      subnet_ids = ["subnet-1", "subnet-2"]
    }
  }
}

run "a_network_that_is_too_small_is_refused" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.20.0.0/28"
  }
}

run "days_that_cloudwatch_does_not_know_are_refused" {
  command         = plan
  expect_failures = [var.log_days]

  variables {
    log_days = 10
  }
}
