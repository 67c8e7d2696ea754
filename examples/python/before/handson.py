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
    # TODO db-spans: wrap the connection.

    return connection


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    log.info("handson listens", extra={"server.address": HOST, "server.port": PORT})
    yield
    log.info("stopping")
    await httpbin.aclose()
    # TODO first-span: flush the pipelines.


logs.start()
# TODO first-span: start the pipelines, before anything makes a span.

app = FastAPI(lifespan=lifespan)
# TODO server-spans: give each request a span, and name it in the response.

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


# TODO first-span: give it a span, `handson.sleep50microsec`.
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


httpbin = httpx.AsyncClient(base_url=HTTPBIN_URL, timeout=5)
# TODO client-spans: let each call have a span, and send its ids along.


# TODO db-spans: give it a span, `handson.dbQuery`.
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


# TODO errors: give it a span, `handson.randomError`, which records what is raised in it.
def maybe_fail():
    if random.random() < RANDOM_ERROR_RATE:
        raise RandomError(f"failed at random, at a rate of {RANDOM_ERROR_RATE}")


@app.exception_handler(Failure)
async def problem(request: Request, failure: Failure) -> JSONResponse:
    """The response says nothing of the inside; the log and the trace do."""
    log.error("request failed", exc_info=failure)
    body = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    # TODO server-spans: tell the caller the id of the trace.

    return JSONResponse(body, status_code=500, media_type="application/problem+json")


if __name__ == "__main__":
    uvicorn.run(app, host=HOST, port=PORT, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_PERIOD)
