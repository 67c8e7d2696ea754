# GitHub signs a token for a run of a workflow, and AWS gives keys of an hour for it. No key of AWS is kept at GitHub.
locals {
  issuer = "https://token.actions.githubusercontent.com"
  provider_arn = (
    var.make_provider
    ? aws_iam_openid_connect_provider.github[0].arn
    : data.aws_iam_openid_connect_provider.github[0].arn
  )
}

# Without a thumbprint: AWS knows the authority that signs GitHub's certificate.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.make_provider ? 1 : 0

  url            = local.issuer
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.make_provider ? 0 : 1

  url = local.issuer
}
