#!/bin/sh
# Auto-instrumentation is configured by the environment alone. NODE_PATH says where its packages are.
export OTEL_RESOURCE_ATTRIBUTES="service.version=0.1.0,deployment.environment.name=$ENV"
export OTEL_SEMCONV_STABILITY_OPT_IN=http,database
export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp OTEL_TRACES_EXPORTER=otlp
exec node --require @opentelemetry/auto-instrumentations-node/register server.js
