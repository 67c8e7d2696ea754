# For the folder as stand_in.py writes it: every resource is an output, and values that only AWS knows are
# ATTRIBUTE-of-NAME.

variables {
  region   = "ap-northeast-1"
  subjects = ["repo:example/handson:ref:refs/heads/main"]
}

run "a_role_for_each_backend_and_its_two_repositories" {
  command = plan

  assert {
    condition = alltrue([
      for prefix, role in output.aws_iam_role__this : alltrue([
        role.name == "${prefix}-github-actions",
        output.aws_iam_role_policy__this[prefix].role == role.name,
        flatten([for statement in jsondecode(output.aws_iam_role_policy__this[prefix].policy).Statement : statement.Resource]) == [
          "*",
          "arn:aws:ecr:ap-northeast-1:123456789012:repository/${prefix}-server-image",
          "arn:aws:ecr:ap-northeast-1:123456789012:repository/${prefix}-loadtest-image",
        ],
      ])
    ])
    error_message = "A role that may push elsewhere: ${jsonencode(output.aws_iam_role_policy__this)}"
  }

  assert {
    condition     = alltrue([for prefix in ["backend-base", "backend-canary"] : contains(keys(output.roles), prefix)])
    error_message = "A backend without a role."
  }
}

run "the_provider_is_made" {
  command = plan

  assert {
    condition = alltrue([
      output.aws_iam_openid_connect_provider__github[0].url == "https://token.actions.githubusercontent.com",
      output.aws_iam_openid_connect_provider__github[0].client_id_list == ["sts.amazonaws.com"],
      alltrue([for role in output.aws_iam_role__this : jsondecode(role.assume_role_policy).Statement[0].Principal.Federated == "arn-of-github-0"]),
    ])
    error_message = "Not GitHub's provider, or roles that trust another one."
  }
}

run "a_provider_that_is_there_is_used" {
  command = plan

  variables {
    make_provider = false
  }

  assert {
    condition = alltrue([
      length(output.aws_iam_openid_connect_provider__github) == 0,
      length(output.data__aws_iam_openid_connect_provider__github) == 1,
      alltrue([for role in output.aws_iam_role__this : jsondecode(role.assume_role_policy).Statement[0].Principal.Federated == "arn-of-github-0"]),
    ])
    error_message = "It is made a second time, or nobody trusts it."
  }
}

run "what_is_no_region_is_refused" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "Tokyo"
  }
}
