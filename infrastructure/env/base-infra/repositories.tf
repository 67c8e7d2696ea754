# Two repositories for each backend: the service, and its load generator. The role that may push is in github-infra.
resource "aws_ecr_repository" "this" {
  for_each = toset(module.names.repositories)

  name = each.key
  # A tag is a commit: what it names never changes.
  image_tag_mutability = "IMMUTABLE"
  # Taking a backend out of prefixes.tf takes its images too. Each can be built again from its commit.
  force_delete = true

  image_scanning_configuration {
    scan_on_push = true
  }

  # With the key that AWS keeps for ECR: nobody needs a permission for it.
  encryption_configuration {
    encryption_type = "KMS"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "What has no tag is left over from a push that failed."
        selection = {
          tagStatus   = "untagged"
          countType   = "sinceImagePushed"
          countUnit   = "days"
          countNumber = 1
        }
        action = { type = "expire" }
      },
      {
        # The image that runs is among the newest: every push is deployed.
        rulePriority = 2
        description  = "Enough to go back to."
        selection = {
          tagStatus      = "tagged"
          tagPatternList = ["*"]
          countType      = "imageCountMoreThan"
          countNumber    = 20
        }
        action = { type = "expire" }
      },
    ]
  })
}
