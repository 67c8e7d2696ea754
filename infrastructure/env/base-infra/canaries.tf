locals {
  # The backends that are deployed as a canary, behind a load balancer. One name a line, sorted, as in prefixes.tf.
  canaries = [
    "backend-canary",
  ]
}
