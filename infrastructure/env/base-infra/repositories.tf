# Two repositories for each backend: for the service, and for its load generator. The role that may push is in
# github-infra.
resource "aws_ecr_repository" "this" {
  for_each = toset(module.names.repositories)

  name = each.key
  # A tag is a commit, so its image never changes.
  image_tag_mutability = "IMMUTABLE"
  # Removing a backend from prefixes.tf also removes its images. Each can be built again from its commit.
  force_delete = true

  image_scanning_configuration {
    scan_on_push = true
  }

  # Encrypted with the key that AWS manages for ECR, for which no permissions are needed.
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
        # The running image is among the newest, because every push is deployed.
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
