# dashboard.json has the form in which Datadog's page exports a dashboard. To change it: clone the dashboard there, change the
# clone, export its JSON, put it here without the ids. Only the environment is filled in.
resource "datadog_dashboard_json" "handson" {
  dashboard = templatefile("${path.module}/dashboard.json", { environment = var.environment })
}

output "dashboard" {
  description = "The dashboard, as a path of the Datadog site."
  value       = datadog_dashboard_json.handson.url
}
