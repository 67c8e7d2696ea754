# Where the key stands, and not the key. Terraform writes a text of no worth once, as a write-only argument: neither this
# text nor the key, which you put in its place, is ever in the state. infrastructure/README.md has the command.
#
# Do not change value_wo_version: a new number would write the text over the key.
resource "aws_ssm_parameter" "datadog_key" {
  #checkov:skip=CKV_AWS_337:the key that AWS keeps for SSM encrypts it; one of our own costs by the month
  name             = module.names.datadog_key
  description      = "API key of Datadog, for the Agent and the log router"
  type             = "SecureString"
  value_wo         = "not set yet"
  value_wo_version = 1
}
