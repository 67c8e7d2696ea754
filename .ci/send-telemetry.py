"""Sends all three signals by OpenTelemetry's Python SDK, and prints the id of the trace.

    send-telemetry.py http ENDPOINT
    send-telemetry.py grpc ENDPOINT
"""

import importlib
import logging
import sys

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link

protocol, endpoint = sys.argv[1:]
exporters = f"opentelemetry.exporter.otlp.proto.{protocol}"


def exporter(module, name, path):
    make = getattr(importlib.import_module(f"{exporters}.{module}"), name)
    if protocol == "grpc":
        return make(endpoint=endpoint, insecure=True)
    return make(endpoint=f"{endpoint}/v1/{path}")


resource = Resource.create({"service.name": f"python-{protocol}"})

tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter", "traces")))
exponential = View(instrument_name="ci.size", aggregation=ExponentialBucketHistogramAggregation())
meters = MeterProvider(
    [PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter", "metrics"))],
    resource,
    views=[exponential],
)
loggers = LoggerProvider(resource)
loggers.add_log_record_processor(
    BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter", "logs"))
)
logging.getLogger().addHandler(LoggingHandler(logger_provider=loggers))

meter = meters.get_meter("ci")
meter.create_counter("ci.orders", "{order}").add(3, {"paid": True})
meter.create_histogram("ci.duration", "s").record(0.25)
meter.create_histogram("ci.size", "By").record(1000)
meter.create_up_down_counter("ci.open", "{order}").add(5)
meter.create_up_down_counter("ci.open", "{order}").add(-1)
meter.create_gauge("ci.temperature", "Cel").set(21.5)

tracer = tracers.get_tracer("ci")
with tracer.start_as_current_span("parent") as parent:
    print(f"{parent.get_span_context().trace_id:032x}")
    try:
        with tracer.start_as_current_span("child", attributes={"list": ["a", "b"], "float": 0.5}):
            raise ValueError("from Python")
    except ValueError:
        logging.exception("it failed")

with tracer.start_as_current_span("linked", context=Context(), links=[Link(parent.get_span_context())]):
    pass

for provider in (tracers, meters, loggers):
    provider.force_flush()
    provider.shutdown()
