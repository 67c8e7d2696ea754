# dashboard.json has the format in which Datadog exports a dashboard. To change it, clone the dashboard in Datadog,
# change the clone, export its JSON, and put it here without the ids. Only the environment is filled in.
resource "datadog_dashboard_json" "handson" {
  dashboard = templatefile("${path.module}/dashboard.json", { environment = var.environment })
}

output "dashboard" {
  description = "The dashboard, as a path of the Datadog site."
  value       = datadog_dashboard_json.handson.url
}
