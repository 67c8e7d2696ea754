# One role for each backend, so that a workflow can only push the images of its own backend.
module "policies" {
  source   = "../../modules/github-policies"
  for_each = module.names.backends

  partition    = data.aws_partition.this.partition
  region       = var.region
  account_id   = data.aws_caller_identity.this.account_id
  provider_arn = local.provider_arn
  subjects     = var.subjects
  repositories = [each.value.server_image, each.value.loadtest_image]
}

resource "aws_iam_role" "this" {
  for_each = module.names.backends

  name               = each.value.github_role
  description        = "GitHub Actions takes it to push the images of ${each.key}"
  assume_role_policy = module.policies[each.key].assume_role
}

resource "aws_iam_role_policy" "this" {
  for_each = module.names.backends

  name   = "push-images"
  role   = aws_iam_role.this[each.key].name
  policy = module.policies[each.key].push
}
