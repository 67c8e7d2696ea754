// The service of the hands-on in Node, without a line of instrumentation: start.sh loads OpenTelemetry's auto-instrumentation.
"use strict";

const fs = require("node:fs");
const express = require("express");
const pino = require("pino");
const initSqlJs = require("sql.js");

const { HOST, HTTPBIN_URL, ENV, OTEL_SERVICE_NAME: service } = process.env;
const port = Number(process.env.PORT);
const errorRate = Number(process.env.RANDOM_ERROR_RATE);
const database = process.env.DATABASE_URL.replace("sqlite://", "").split("?")[0];
const version = "0.1.0";

const log = pino({
  messageKey: "message",
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  base: { service, env: ENV, version, "dd.service": service, "dd.env": ENV, "dd.version": version },
  formatters: { level: (label) => ({ level: label.toUpperCase() }) },
});

async function call(method, path) {
  const response = await fetch(HTTPBIN_URL + path, { method });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`calling httpbin: it answers ${response.status}`);
}

async function main() {
  const SQL = await initSqlJs();
  const users = new SQL.Database();
  users.run("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO users (name) VALUES ('sakura')");
  fs.writeFileSync(database, users.export());

  const app = express();
  app.get("/healthz", (_request, response) => response.end());
  app.all("/handson", (request, response, next) => (request.method === "GET" ? next() : response.status(405).end()));
  app.get("/handson", async (_request, response) => {
    await new Promise((done) => setTimeout(done, 0.05));
    await call("GET", "/get");
    await Promise.all([call("GET", "/get"), call("POST", "/post"), call("PUT", "/put")]);
    const [[id, name]] = new SQL.Database(fs.readFileSync(database)).exec(
      "SELECT id, name FROM users ORDER BY id LIMIT 1",
    )[0].values;
    log.info({ "user.id": String(id), "user.name": name }, "dbQuery");
    if (Math.random() < errorRate) throw new Error(`failed at random, at a rate of ${errorRate}`);
    response.json({ message: `Hello, ${service}` });
  });
  app.use((error, _request, response, _next) => {
    log.error({ error: { kind: error.name, message: error.message, stack: error.stack } }, "request failed");
    response.status(500).type("application/problem+json").json({ title: "Internal Server Error", status: 500 });
  });

  const server = app.listen(port, HOST, () => {
    log.info({ "server.address": HOST, "server.port": port }, "listening");
  });
  process.once("SIGTERM", () => server.close());
}

main();
