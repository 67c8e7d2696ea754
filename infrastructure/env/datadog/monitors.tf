# Each monitor watches all backends at once: `service:handson-*`, grouped `by {service}`. A new backend is watched
# from its first request on, and has its own alert. The load generators are `loadtest-handson-*`, so they are not
# included.
#
# Each query is on one line, so that it can be copied to Datadog and searched for. `cargo test --test datadog` reads
# all of them, and rejects a name that the service does not emit; docs/datadog.md explains where the names come from.

locals {
  tags = ["project:handson", "env:${var.environment}"]
  # Datadog notifies Slack through a mention in the message.
  notify = "@slack-${var.slack_channel}"
}

resource "datadog_monitor" "new_issue" {
  name = "[handson] New kind of failure"
  type = "error-tracking alert"

  # An issue is a group of similar errors, created from the `error` object of log lines. New means first seen within
  # the last day.
  query = "error-tracking(\"env:${var.environment} service:handson-*\").source(\"backend\").new().rollup(\"count\").by(\"@issue.id\").last(\"1d\") > 0"

  message = <<-EOT
    A failure that was not seen before: {{issue.attributes.error.type}}

    {{issue.attributes.error.message}}

    The issue in Error Tracking has the stack, and leads to a log line and its trace.
    ${local.notify}
  EOT

  priority = 3
  tags     = local.tags

  monitor_thresholds {
    critical = 0
  }
}

resource "datadog_monitor" "error_rate" {
  name = "[handson] {{service.name}}: too many requests fail"
  type = "query alert"

  # The counts are divided, so this is the share over the whole window, not the mean of shares. Without any error
  # there is no data point, and the monitor keeps its state OK.
  query = "sum(last_5m):(sum:trace.http.server.request.errors{env:${var.environment},service:handson-*} by {service}.as_count() / sum:trace.http.server.request.hits{env:${var.environment},service:handson-*} by {service}.as_count()) * 100 > ${var.error_rate_percent}"

  message = <<-EOT
    {{#is_alert}}
    {{value}} % of the requests of {{service.name}} failed in the last 5 minutes; {{threshold}} % are allowed.

    Compare the versions on the dashboard "handson" first: is it the new one alone? Then open a trace with an error: the span with
    the exception is where it happened.
    {{/is_alert}}
    {{#is_warning}}
    {{value}} % of the requests of {{service.name}} failed in the last 5 minutes.
    {{/is_warning}}
    {{#is_recovery}}
    {{service.name}} answers again as it should.
    {{/is_recovery}}
    ${local.notify}
  EOT

  priority = 2
  tags     = local.tags

  # Errors are rare data points, so the window is never full.
  require_full_window = false
  # The first minute of a new backend is not evaluated.
  new_group_delay = 60

  monitor_thresholds {
    critical = var.error_rate_percent
    warning  = var.error_rate_percent / 2
  }
}

resource "datadog_monitor" "latency" {
  name = "[handson] {{service.name}}: slow"
  type = "query alert"

  # The trace metric without a suffix is a distribution in seconds: the percentile is that of all requests of all
  # tasks.
  query = "percentile(last_5m):p95:trace.http.server.request{env:${var.environment},service:handson-*} by {service} > ${var.p95_latency_seconds}"

  message = <<-EOT
    {{#is_alert}}
    One request in twenty of {{service.name}} takes longer than {{value}} s; {{threshold}} s are allowed.

    A slow trace shows which span took the time. Is it a call of httpbin, look at `http.client.request.duration` on the dashboard.
    {{/is_alert}}
    {{#is_recovery}}
    {{service.name}} is as fast as it should be.
    {{/is_recovery}}
    ${local.notify}
  EOT

  priority = 3
  tags     = local.tags

  require_full_window = false
  new_group_delay     = 60

  monitor_thresholds {
    critical = var.p95_latency_seconds
  }
}

resource "datadog_monitor" "no_data" {
  name = "[handson] {{service.name}}: silent"
  type = "query alert"

  # The load generator never pauses, so a backend without requests is down, or its Agent is.
  query = "sum(last_5m):sum:trace.http.server.request.hits{env:${var.environment},service:handson-*} by {service}.as_count() < 1"

  message = <<-EOT
    {{#is_no_data}}
    Datadog got no trace of {{service.name}} for ${var.no_data_minutes} minutes.

    In this order: does the task run (ECS), is its Agent healthy, is the API key right (log group /handson/handson-api-*)?
    A backend that was taken away for good says this once: mute it, or wait for a day.
    {{/is_no_data}}
    {{#is_alert}}
    {{service.name}} got no request in the last 5 minutes.
    {{/is_alert}}
    {{#is_recovery}}
    {{service.name}} is back.
    {{/is_recovery}}
    ${local.notify}
  EOT

  priority = 2
  tags     = local.tags

  require_full_window = false
  notify_no_data      = true
  no_data_timeframe   = var.no_data_minutes

  monitor_thresholds {
    critical = 1
  }
}
