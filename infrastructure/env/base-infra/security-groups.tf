locals {
  port = 8080
}

resource "aws_security_group" "task" {
  #checkov:skip=CKV2_AWS_5:servicedef.yaml names it, and PipeCD gives it to the tasks
  name        = "handson-task"
  description = "The tasks of all backends"
  vpc_id      = local.vpc_id

  tags = { Name = "handson-task" }
}

resource "aws_vpc_security_group_ingress_rule" "task" {
  security_group_id            = aws_security_group.task.id
  description                  = "Requests and health checks of the load balancers"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

# DNS, NTP and the metadata of a task do not pass through a security group.
resource "aws_vpc_security_group_egress_rule" "task" {
  security_group_id = aws_security_group.task.id
  description       = "Images, logs and the key from AWS; telemetry to Datadog"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "load_balancer" {
  name        = "handson-load-balancer"
  description = "The load balancers of all canaries"
  vpc_id      = local.vpc_id

  tags = { Name = "handson-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = toset(var.visitors)

  security_group_id = aws_security_group.load_balancer.id
  description       = "Visitors"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "To the tasks"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}
