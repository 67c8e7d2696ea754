# The place of the key, not the key itself. Terraform writes a meaningless text once, as a write-only argument:
# neither this text nor the key by which you replace it is ever in the state. infrastructure/README.md has the
# command.
#
# Do not change value_wo_version, because a new number would overwrite the key with this text.
resource "aws_ssm_parameter" "datadog_key" {
  #checkov:skip=CKV_AWS_337:the key that AWS keeps for SSM encrypts it; one of our own costs by the month
  name             = module.names.datadog_key
  description      = "API key of Datadog, for the Agent and the log router"
  type             = "SecureString"
  value_wo         = "not set yet"
  value_wo_version = 1
}
