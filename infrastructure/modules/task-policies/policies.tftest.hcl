variables {
  partition           = "aws"
  region              = "ap-northeast-1"
  account_id          = "123456789012"
  repository_patterns = ["backend-*-server-image", "backend-*-loadtest-image"]
  log_group_pattern   = "/handson/handson-api-*"
  datadog_key         = "/handson/datadog-api-key"
}

run "only_tasks_of_this_account_take_the_roles" {
  command = plan

  assert {
    condition = jsondecode(output.assume_role).Statement == [{
      Sid       = "Tasks"
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:ap-northeast-1:123456789012:*" }
      }
    }]
    error_message = "Somebody else may take the roles: ${output.assume_role}"
  }
}

run "the_execution_role_may_do_this_and_no_more" {
  command = plan

  assert {
    condition = { for statement in jsondecode(output.execution).Statement : statement.Sid => flatten([statement.Action]) } == {
      LogIn   = ["ecr:GetAuthorizationToken"]
      Pull    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Log     = ["logs:CreateLogStream", "logs:PutLogEvents"]
      ReadKey = ["ssm:GetParameters"]
    }
    error_message = "Other actions than a task needs: ${output.execution}"
  }

  assert {
    condition = { for statement in jsondecode(output.execution).Statement : statement.Sid => flatten([statement.Resource]) } == {
      LogIn = ["*"]
      Pull = [
        "arn:aws:ecr:ap-northeast-1:123456789012:repository/backend-*-server-image",
        "arn:aws:ecr:ap-northeast-1:123456789012:repository/backend-*-loadtest-image",
      ]
      Log     = ["arn:aws:logs:ap-northeast-1:123456789012:log-group:/handson/handson-api-*:log-stream:*"]
      ReadKey = ["arn:aws:ssm:ap-northeast-1:123456789012:parameter/handson/datadog-api-key"]
    }
    error_message = "Other resources than a task needs: ${output.execution}"
  }
}

run "every_repository_is_refused" {
  command         = plan
  expect_failures = [var.repository_patterns]

  variables {
    repository_patterns = ["*"]
  }
}

run "no_repository_is_refused" {
  command         = plan
  expect_failures = [var.repository_patterns]

  variables {
    repository_patterns = []
  }
}

run "every_log_group_is_refused" {
  command         = plan
  expect_failures = [var.log_group_pattern]

  variables {
    log_group_pattern = "*"
  }
}

run "every_parameter_is_refused" {
  command         = plan
  expect_failures = [var.datadog_key]

  variables {
    datadog_key = "/handson/*"
  }
}

run "a_parameter_without_its_slash_is_refused" {
  command         = plan
  expect_failures = [var.datadog_key]

  variables {
    datadog_key = "datadog-api-key"
  }
}

run "what_is_no_account_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "my-account"
  }
}
