variables {
  partition    = "aws"
  region       = "ap-northeast-1"
  account_id   = "123456789012"
  provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  subjects     = ["repo:example/handson:ref:refs/heads/main"]
  repositories = ["backend-sakura-server-image", "backend-sakura-loadtest-image"]
}

run "only_these_runs_take_the_role" {
  command = plan

  assert {
    condition = jsondecode(output.assume_role).Statement == [{
      Sid       = "GitHub"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = ["repo:example/handson:ref:refs/heads/main"]
        }
      }
    }]
    error_message = "Somebody else may take the role: ${output.assume_role}"
  }
}

run "it_pushes_into_its_two_repositories_only" {
  command = plan

  assert {
    condition = { for statement in jsondecode(output.push).Statement : statement.Sid => flatten([statement.Resource]) } == {
      LogIn = ["*"]
      Push = [
        "arn:aws:ecr:ap-northeast-1:123456789012:repository/backend-sakura-server-image",
        "arn:aws:ecr:ap-northeast-1:123456789012:repository/backend-sakura-loadtest-image",
      ]
    }
    error_message = "Other resources than its repositories: ${output.push}"
  }

  assert {
    condition = { for statement in jsondecode(output.push).Statement : statement.Sid => sort(flatten([statement.Action])) } == {
      LogIn = tolist(["ecr:GetAuthorizationToken"])
      Push = tolist([
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ])
    }
    error_message = "Other actions than a push needs: ${output.push}"
  }
}

# GitHub adds ids to the subjects of repositories that were created or renamed since July 2026.
run "a_subject_with_ids_is_taken" {
  command = plan

  variables {
    subjects = ["repo:example@12345/handson@67890:ref:refs/heads/main"]
  }

  assert {
    condition     = strcontains(output.assume_role, "repo:example@12345/handson@67890:ref:refs/heads/main")
    error_message = "The subject is not in the policy: ${output.assume_role}"
  }
}

run "no_subject_is_refused" {
  command         = plan
  expect_failures = [var.subjects]

  variables {
    subjects = []
  }
}

run "a_pattern_is_refused" {
  command         = plan
  expect_failures = [var.subjects]

  variables {
    subjects = ["repo:example/handson:ref:refs/heads/*"]
  }
}

run "pull_requests_are_refused" {
  command         = plan
  expect_failures = [var.subjects]

  variables {
    subjects = ["repo:example/handson:pull_request"]
  }
}

run "the_bare_name_of_a_repository_is_refused" {
  command         = plan
  expect_failures = [var.subjects]

  variables {
    subjects = ["example/handson"]
  }
}

run "every_repository_is_refused" {
  command         = plan
  expect_failures = [var.repositories]

  variables {
    repositories = ["backend-*-server-image", "backend-*-loadtest-image"]
  }
}

run "a_third_repository_is_refused" {
  command         = plan
  expect_failures = [var.repositories]

  variables {
    repositories = ["backend-base-server-image", "backend-sakura-loadtest-image", "backend-sakura-server-image"]
  }
}

run "what_is_no_account_is_refused" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "my-account"
  }
}
