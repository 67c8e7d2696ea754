locals {
  assume_role = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "GitHub"
      Effect    = "Allow"
      Principal = { Federated = var.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      # All of GitHub uses this one provider: without a condition on the subject, any workflow could assume the role.
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = var.subjects
        }
      }
    }]
  }

  push = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "LogIn"
        Effect = "Allow"
        Action = "ecr:GetAuthorizationToken"
        # A token is valid for the whole registry: AWS supports no narrower resource here. The next statement defines
        # what it can be used for.
        Resource = "*"
      },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:CompleteLayerUpload",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
          # Used to check whether this commit's image already exists: a tag is never overwritten, and a run may be
          # repeated.
          "ecr:BatchGetImage",
          "ecr:GetDownloadUrlForLayer",
        ]
        Resource = [
          for repository in var.repositories :
          "arn:${var.partition}:ecr:${var.region}:${var.account_id}:repository/${repository}"
        ]
      },
    ]
  }
}
