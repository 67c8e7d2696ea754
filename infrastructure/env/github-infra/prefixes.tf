locals {
  # The backends. One name a line, sorted: two branches that add a name each then rarely conflict.
  prefixes = [
    "backend-base",
    "backend-canary",
  ]
}
