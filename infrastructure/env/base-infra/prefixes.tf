locals {
  # The backends. One name per line, sorted, so that two branches that add a name rarely conflict.
  prefixes = [
    "backend-base",
    "backend-canary",
  ]
}
