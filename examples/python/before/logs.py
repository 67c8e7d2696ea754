"""Log lines on stdout."""

import logging
import os
import sys

SERVICE = os.environ.get("OTEL_SERVICE_NAME", "handson")
ENVIRONMENT = os.environ.get("ENV", "development")
VERSION = "0.1.0"


def start():
    """Writes what the program logs to stdout. What uvicorn and httpx log is about each start and each call."""
    lines = logging.StreamHandler(sys.stdout)
    # TODO structured-logs: write one JSON object per line, which says who wrote it.

    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for library in "uvicorn", "httpx":
        logging.getLogger(library).setLevel(logging.WARNING)
