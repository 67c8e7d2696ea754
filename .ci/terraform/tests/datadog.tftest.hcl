# For the folder as stand_in.py writes it: every resource is an output.

variables {
  slack_channel = "handson-alerts"
}

run "the_variables_reach_monitors_and_dashboard" {
  command = plan

  variables {
    environment         = "staging"
    error_rate_percent  = 4
    p95_latency_seconds = 2
    no_data_minutes     = 20
  }

  assert {
    condition = alltrue([
      for monitor in [
        output.datadog_monitor__new_issue,
        output.datadog_monitor__error_rate,
        output.datadog_monitor__latency,
        output.datadog_monitor__no_data,
      ] : strcontains(monitor.query, "env:staging") && strcontains(monitor.message, "@slack-handson-alerts")
    ])
    error_message = "A monitor that asks for another environment, or that tells nobody."
  }

  # Datadog rejects a monitor whose threshold is not the number in its query.
  assert {
    condition = alltrue([
      for monitor in [
        output.datadog_monitor__new_issue,
        output.datadog_monitor__error_rate,
        output.datadog_monitor__latency,
        output.datadog_monitor__no_data,
      ] : tonumber(regex("[<>] ([0-9.]+)$", monitor.query)[0]) == tonumber(monitor.monitor_thresholds[0].critical)
    ])
    error_message = "A threshold that is not the one of the query."
  }

  assert {
    condition     = output.datadog_monitor__error_rate.monitor_thresholds[0].warning == 2 && output.datadog_monitor__no_data.no_data_timeframe == 20
    error_message = "A variable that changes nothing."
  }

  assert {
    condition     = can(jsondecode(output.datadog_dashboard_json__handson.dashboard)) && strcontains(output.datadog_dashboard_json__handson.dashboard, "staging")
    error_message = "The dashboard is no JSON, or asks for another environment."
  }
}

run "a_mention_is_refused" {
  command         = plan
  expect_failures = [var.slack_channel]

  variables {
    slack_channel = "@slack-handson-alerts"
  }
}

run "an_address_is_refused" {
  command         = plan
  expect_failures = [var.datadog_site]

  variables {
    datadog_site = "https://app.datadoghq.com"
  }
}

run "what_is_no_environment_is_refused" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "Production"
  }
}

run "more_than_all_requests_are_refused" {
  command         = plan
  expect_failures = [var.error_rate_percent]

  variables {
    error_rate_percent = 500
  }
}

run "milliseconds_are_refused" {
  command         = plan
  expect_failures = [var.p95_latency_seconds]

  variables {
    p95_latency_seconds = 500
  }
}

run "a_silence_that_is_too_short_is_refused" {
  command         = plan
  expect_failures = [var.no_data_minutes]

  variables {
    no_data_minutes = 5
  }
}
