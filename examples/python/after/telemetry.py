# ANCHOR: first-span
"""The pipelines of OpenTelemetry: an exporter, a processor and a provider for each signal."""

# ANCHOR: server-spans
import os

# ANCHOR_END: server-spans
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# ANCHOR: log-correlation
import logging

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

# ANCHOR_END: log-correlation
# ANCHOR: metrics
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

# ANCHOR_END: metrics
import logs

providers = []


def start() -> trace.Tracer:
    """Starts the pipelines. The tracer is for the spans of this program; those of libraries have tracers of their own."""
    # ANCHOR: server-spans
    # Without it, the libraries use the names that the conventions had before they were stable.
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database"

    # ANCHOR_END: server-spans
    identity = {"service.name": logs.SERVICE, "service.version": logs.VERSION}
    resource = Resource.create({**identity, "deployment.environment.name": logs.ENVIRONMENT})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    providers.append(traces)

    # BEFORE log-correlation: # TODO log-correlation: build a logger provider, and add the handler that feeds it.
    records = LoggerProvider(resource=resource)
    records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=records))
    providers.append(records)

    # BEFORE metrics: # TODO metrics: build a meter provider.
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    # dbapi leaves the buckets to the SDK, whose own are made for milliseconds.
    buckets = ExplicitBucketHistogramAggregation([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
    views = [View(instrument_name="db.client.operation.duration", aggregation=buckets)]
    meters = MeterProvider([reader], resource=resource, views=views)
    metrics.set_meter_provider(meters)
    providers.append(meters)

    return trace.get_tracer("handson")


def flush():
    """Sends what is queued."""
    for provider in providers:
        provider.shutdown()


# ANCHOR_END: first-span
