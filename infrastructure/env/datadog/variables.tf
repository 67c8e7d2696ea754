variable "slack_channel" {
  description = "Slack channel that gets the messages, as Datadog's Slack integration names it: without # and @slack-. With more than one Slack workspace, WORKSPACE-CHANNEL."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]*$", var.slack_channel)) && !startswith(var.slack_channel, "slack-")
    error_message = "The bare name of the channel, for example handson-alerts: no #, no @slack-, no capital letters."
  }
}

variable "datadog_site" {
  description = "Datadog site of the account. The task definitions name the same one."
  type        = string
  default     = "datadoghq.com"

  validation {
    condition = contains([
      "ap1.datadoghq.com",
      "ap2.datadoghq.com",
      "datadoghq.com",
      "datadoghq.eu",
      "ddog-gov.com",
      "us3.datadoghq.com",
      "us5.datadoghq.com",
    ], var.datadog_site)
    error_message = "A Datadog site, such as datadoghq.com or ap1.datadoghq.com, without https:// and without app."
  }
}

variable "environment" {
  description = "The tag env that is watched: ENV in the task definitions."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_-]*$", var.environment))
    error_message = "A name in small letters, as ENV takes it, for example production."
  }
}

variable "error_rate_percent" {
  description = "Share of failed requests over 5 minutes, in per cent, above which a backend alerts. Half of it warns."
  type        = number
  default     = 5

  validation {
    condition     = var.error_rate_percent > 0 && var.error_rate_percent < 100
    error_message = "Per cent, above 0 and below 100: 5 is one request in twenty."
  }
}

variable "p95_latency_seconds" {
  description = "95th percentile of the duration of a request over 5 minutes, in seconds, above which a backend alerts."
  type        = number
  default     = 0.5

  validation {
    condition     = var.p95_latency_seconds > 0 && var.p95_latency_seconds <= 30
    error_message = "Seconds, not milliseconds: above 0, and at most 30, where the service gives up by itself."
  }
}

variable "no_data_minutes" {
  description = "Minutes without a request after which a backend counts as silent."
  type        = number
  default     = 10

  validation {
    condition     = var.no_data_minutes >= 10 && floor(var.no_data_minutes) == var.no_data_minutes
    error_message = "Whole minutes, at least 10: twice the 5 minutes that the monitor looks back, as Datadog advises."
  }
}
