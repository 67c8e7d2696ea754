# Two public subnets without a NAT gateway, which would cost more than all tasks. A task has a public address for
# outgoing connections; its security group accepts only connections from the load balancers.
locals {
  make_network = var.network == null
  zones        = local.make_network ? slice(sort(data.aws_availability_zones.this[0].names), 0, 2) : []

  vpc_id     = local.make_network ? aws_vpc.this[0].id : var.network.vpc_id
  subnet_ids = local.make_network ? [for zone in local.zones : aws_subnet.this[zone].id] : var.network.subnet_ids
}

data "aws_availability_zones" "this" {
  count = local.make_network ? 1 : 0

  state = "available"

  # No local zones, because Fargate and load balancers are not available in all of them.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:flow logs cost more than this VPC, which lives for a workshop
  count = local.make_network ? 1 : 0

  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "handson" }
}

# AWS creates this group with every VPC, and it allows traffic within itself. Managed here without rules, it allows
# nothing.
resource "aws_default_security_group" "this" {
  count = local.make_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id
}

resource "aws_internet_gateway" "this" {
  count = local.make_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "handson" }
}

resource "aws_subnet" "this" {
  for_each = toset(local.zones)

  vpc_id            = aws_vpc.this[0].id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 2, index(local.zones, each.key))
  # servicedef.yaml requests a public address explicitly. Anything else that is started here gets none.
  map_public_ip_on_launch = false

  tags = { Name = "handson-${each.key}" }
}

resource "aws_route_table" "this" {
  count = local.make_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "handson" }
}

resource "aws_route" "internet" {
  count = local.make_network ? 1 : 0

  route_table_id         = aws_route_table.this[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "this" {
  for_each = aws_subnet.this

  subnet_id      = each.value.id
  route_table_id = aws_route_table.this[0].id
}
