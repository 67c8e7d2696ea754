# Each canary has its own load balancer. To change the weights, PipeCD writes back every rule of every listener of the
# load balancer, as it read them a moment before. Two canaries on one load balancer would undo each other's changes.
resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:access logs need a bucket, and each request is a trace in Datadog
  #checkov:skip=CKV_AWS_150:taking a canary out of canaries.tf has to take its load balancer too
  #checkov:skip=CKV2_AWS_20:there is nothing to redirect to, see the listener
  #checkov:skip=CKV2_AWS_28:the security group lets in only the addresses in var.visitors
  for_each = module.names.canaries

  name                       = each.value.load_balancer
  load_balancer_type         = "application"
  internal                   = false
  security_groups            = [aws_security_group.load_balancer.id]
  subnets                    = local.subnet_ids
  drop_invalid_header_fields = true

  # AWS rejects a load balancer in a VPC without an internet gateway.
  depends_on = [aws_route.internet, aws_route_table_association.this]
}

resource "aws_lb_target_group" "primary" {
  #checkov:skip=CKV_AWS_378:the service speaks HTTP, within the VPC
  for_each = module.names.canaries

  name        = each.value.primary
  vpc_id      = local.vpc_id
  target_type = "ip"
  protocol    = "HTTP"
  port        = local.port
  # As long as the service itself waits at its end, plus a margin.
  deregistration_delay = 15

  health_check {
    path     = "/healthz"
    matcher  = "200"
    interval = 10
    timeout  = 5
  }
}

resource "aws_lb_target_group" "canary" {
  #checkov:skip=CKV_AWS_378:the service speaks HTTP, within the VPC
  for_each = module.names.canaries

  name                 = each.value.canary
  vpc_id               = local.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = local.port
  deregistration_delay = 15

  health_check {
    path     = "/healthz"
    matcher  = "200"
    interval = 10
    timeout  = 5
  }
}

resource "aws_lb_listener" "this" {
  #checkov:skip=CKV_AWS_2:HTTPS needs a domain and a certificate, which a workshop does not have
  #checkov:skip=CKV_AWS_103:HTTPS needs a domain and a certificate, which a workshop does not have
  for_each = module.names.canaries

  load_balancer_arn = aws_lb.this[each.key].arn
  port              = 80
  protocol          = "HTTP"

  # Both groups are listed from the start, because PipeCD searches for the action that forwards to exactly these two.
  default_action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.primary[each.key].arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.canary[each.key].arn
        weight = 0
      }
    }
  }

  lifecycle {
    # After the creation, PipeCD manages the weights.
    ignore_changes = [default_action]
  }
}
