# GitHub signs a token for a run of a workflow, and AWS exchanges it for credentials that are valid for an hour. No
# AWS key is stored at GitHub.
locals {
  issuer = "https://token.actions.githubusercontent.com"
  provider_arn = (
    var.make_provider
    ? aws_iam_openid_connect_provider.github[0].arn
    : data.aws_iam_openid_connect_provider.github[0].arn
  )
}

# Without a thumbprint, because AWS trusts the authority that signs GitHub's certificate.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.make_provider ? 1 : 0

  url            = local.issuer
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.make_provider ? 0 : 1

  url = local.issuer
}
