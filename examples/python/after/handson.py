"""The service of the hands-on in Python: FastAPI, httpx, sqlite3 and logging."""

import asyncio
import contextlib
import logging
import os
import random
import sqlite3

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import logs

# ANCHOR: first-span
import telemetry

# ANCHOR_END: first-span
# ANCHOR: server-spans
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.propagators import TraceResponsePropagator, set_global_response_propagator

# ANCHOR_END: server-spans
# ANCHOR: client-spans
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

# ANCHOR_END: client-spans
# ANCHOR: db-spans
from opentelemetry.instrumentation import dbapi

# ANCHOR_END: db-spans

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8080"))
HTTPBIN_URL = os.environ.get("HTTPBIN_URL", "http://127.0.0.1:8081")
DATABASE = os.environ.get("DATABASE_URL", "sqlite://:memory:").removeprefix("sqlite://")
RANDOM_ERROR_RATE = float(os.environ.get("RANDOM_ERROR_RATE", "0"))
GRACE_PERIOD = int(os.environ.get("GRACE_PERIOD", "10s").removesuffix("s"))

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO users (name) SELECT 'sakura' WHERE NOT EXISTS (SELECT 1 FROM users);
"""

log = logging.getLogger("handson")


class Failure(Exception):
    """What makes a request fail."""


class RandomError(Failure):
    """A failure at random."""


class HttpbinError(Failure):
    """A call of httpbin that failed."""


class DatabaseError(Failure):
    """A query that failed."""


class Database(sqlite3.Connection):
    """A connection that knows the name of its database, which dbapi's spans get from here."""

    database = DATABASE.split("?")[0]


def open_database() -> Database:
    connection = sqlite3.connect(f"file:{DATABASE}", uri=True, check_same_thread=False, factory=Database)
    connection.executescript(SCHEMA)
    # BEFORE db-spans: # TODO db-spans: wrap the connection.
    connection = dbapi.instrument_connection(dbapi.__name__, connection, "sqlite")

    return connection


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    log.info("handson listens", extra={"server.address": HOST, "server.port": PORT})
    yield
    log.info("stopping")
    await httpbin.aclose()
    # BEFORE first-span: # TODO first-span: flush the pipelines.
    telemetry.flush()


# ANCHOR: server-spans
def correct_address(span: trace.Span, scope: dict):
    """The library writes host and port into server.address."""
    span.set_attribute("server.address", scope["server"][0])


# ANCHOR_END: server-spans


logs.start()
# BEFORE first-span: # TODO first-span: start the pipelines, before anything makes a span.
tracer = telemetry.start()

app = FastAPI(lifespan=lifespan)
# BEFORE server-spans: # TODO server-spans: give each request a span, and name it in the response.
FastAPIInstrumentor.instrument_app(
    app, excluded_urls="healthz", exclude_spans=["receive", "send"], server_request_hook=correct_address
)
set_global_response_propagator(TraceResponsePropagator())

database = open_database()


@app.get("/healthz")
async def healthz() -> None:
    """Neither traced nor counted."""


@app.get("/handson")
async def handson():
    """Five pieces of work, one after the other, stopping at the first failure."""
    await sleep_50_microsec()
    await call("GET", "/get")
    try:
        async with asyncio.TaskGroup() as calls:
            for method, path in ("GET", "/get"), ("POST", "/post"), ("PUT", "/put"):
                calls.create_task(call(method, path))
    except ExceptionGroup as group:
        raise group.exceptions[0]
    await db_query()
    maybe_fail()
    return {"message": f"Hello, {logs.SERVICE}"}


# BEFORE first-span: # TODO first-span: give it a span, `handson.sleep50microsec`.
@tracer.start_as_current_span("handson.sleep50microsec")
async def sleep_50_microsec():
    await asyncio.sleep(50e-6)


async def call(method: str, path: str):
    try:
        response = await httpbin.request(method, path)
    except httpx.HTTPError as error:
        raise HttpbinError(f"calling httpbin: {error!r}") from error
    accept(response.status_code)


def accept(status: int):
    if status >= 400:
        raise HttpbinError(f"calling httpbin: it answers {status}")


# ANCHOR: errors
async def record_refusal(span, request, response):
    """Records why a call failed while its span is open: httpx raises no error for a status."""
    try:
        accept(response.status_code)
    except HttpbinError as error:
        span.record_exception(error)  # It has a stack only if it was raised.


# ANCHOR_END: errors

httpbin = httpx.AsyncClient(base_url=HTTPBIN_URL, timeout=5)
# BEFORE client-spans: # TODO client-spans: let each call have a span, and send its ids along.
# BEFORE errors: HTTPXClientInstrumentor.instrument_client(httpbin)
HTTPXClientInstrumentor.instrument_client(httpbin, response_hook=record_refusal)


# BEFORE db-spans: # TODO db-spans: give it a span, `handson.dbQuery`.
@tracer.start_as_current_span("handson.dbQuery")
async def db_query():
    try:
        user_id, name = await asyncio.to_thread(first_user)
    except sqlite3.Error as error:
        raise DatabaseError(f"reading the first user: {error}") from error
    log.info("dbQuery", extra={"user.id": str(user_id), "user.name": name})


def first_user():
    # dbapi traces cursors, and not the shortcut connection.execute.
    with contextlib.closing(database.cursor()) as cursor:
        cursor.execute("SELECT id, name FROM users ORDER BY id LIMIT 1")
        return cursor.fetchone()


# BEFORE errors: # TODO errors: give it a span, `handson.randomError`, which records what is raised in it.
@tracer.start_as_current_span("handson.randomError")
def maybe_fail():
    if random.random() < RANDOM_ERROR_RATE:
        raise RandomError(f"failed at random, at a rate of {RANDOM_ERROR_RATE}")


@app.exception_handler(Failure)
async def problem(request: Request, failure: Failure) -> JSONResponse:
    """The response says nothing of the inside; the log and the trace do."""
    log.error("request failed", exc_info=failure)
    body = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    # BEFORE server-spans: # TODO server-spans: tell the caller the id of the trace.
    body["trace_id"] = trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)

    return JSONResponse(body, status_code=500, media_type="application/problem+json")


if __name__ == "__main__":
    uvicorn.run(app, host=HOST, port=PORT, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_PERIOD)
