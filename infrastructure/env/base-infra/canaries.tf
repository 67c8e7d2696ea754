locals {
  # The backends that are deployed as a canary, behind a load balancer. One name per line, sorted, as in prefixes.tf.
  canaries = [
    "backend-canary",
  ]
}
