locals {
  # Only tasks of ECS in this account may assume the roles. Without the conditions, ECS could be made to use them on
  # behalf of another account.
  assume_role = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Tasks"
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${var.partition}:ecs:${var.region}:${var.account_id}:*" }
      }
    }]
  }

  # What ECS itself does for a task before its programs run. The public images need no permission.
  execution = {
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
        Sid    = "Pull"
        Effect = "Allow"
        Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [
          for pattern in var.repository_patterns :
          "arn:${var.partition}:ecr:${var.region}:${var.account_id}:repository/${pattern}"
        ]
      },
      {
        Sid    = "Log"
        Effect = "Allow"
        # The groups already exist: Terraform creates them, so that it can also delete them.
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group:${var.log_group_pattern}:log-stream:*"
      },
      {
        Sid      = "ReadKey"
        Effect   = "Allow"
        Action   = "ssm:GetParameters"
        Resource = "arn:${var.partition}:ssm:${var.region}:${var.account_id}:parameter${var.datadog_key}"
      },
    ]
  }
}
