"""Log lines on stdout."""

import logging
import os
import sys

# ANCHOR: structured-logs
import datetime
import json

# ANCHOR_END: structured-logs
# ANCHOR: log-correlation
from opentelemetry import trace

# ANCHOR_END: log-correlation
# ANCHOR: errors
import traceback

# ANCHOR_END: errors

SERVICE = os.environ.get("OTEL_SERVICE_NAME", "handson")
ENVIRONMENT = os.environ.get("ENV", "development")
VERSION = "0.1.0"


def start():
    """Writes what the program logs to stdout. What uvicorn and httpx log is about each start and each call."""
    lines = logging.StreamHandler(sys.stdout)
    # BEFORE structured-logs: # TODO structured-logs: write one JSON object per line, which says who wrote it.
    lines.setFormatter(JsonLines())

    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for library in "uvicorn", "httpx":
        logging.getLogger(library).setLevel(logging.WARNING)


# ANCHOR: structured-logs
LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}
# What a record has in addition to these are the event's own fields.
STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": time.isoformat(),
            "level": LEVELS.get(record.levelname, record.levelname),
            "message": record.getMessage(),
        }
        for name, value in ("service", SERVICE), ("env", ENVIRONMENT), ("version", VERSION):
            line |= {name: value, f"dd.{name}": value}
        # BEFORE log-correlation: # TODO log-correlation: let each line name its span.
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line |= dict.fromkeys(("trace_id", "trace.id", "dd.trace_id"), trace.format_trace_id(span.trace_id))
            line |= dict.fromkeys(("span_id", "span.id", "dd.span_id"), trace.format_span_id(span.span_id))

        if record.exc_info:
            # BEFORE errors: # TODO errors: say kind, message and stack.
            # BEFORE errors: line["error"] = str(record.exc_info[1])
            kind, error, _ = record.exc_info
            stack = "".join(traceback.format_exception(error))
            line["error"] = {"kind": kind.__name__, "message": str(error), "stack": stack}
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        return json.dumps(line)


# ANCHOR_END: structured-logs
