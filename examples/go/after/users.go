package main

import (
	"context"
	"database/sql"

	_ "modernc.org/sqlite"

	// ANCHOR: db-spans
	"database/sql/driver"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	// ANCHOR_END: db-spans

	// ANCHOR: metrics
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"
	// ANCHOR_END: metrics
)

const schema = `CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO users (name) SELECT 'sakura' WHERE NOT EXISTS (SELECT 1 FROM users)`

// users is the table of users.
type users struct {
	database *sql.DB

	// ANCHOR: metrics
	duration   dbconv.ClientOperationDuration
	attributes attribute.Set
	// ANCHOR_END: metrics
}

func openUsers(file string) (*users, error) {
	// BEFORE db-spans: // TODO db-spans: open it through otelsql, and say what the query does.
	// BEFORE db-spans: database, err := sql.Open("sqlite", "file:"+file)
	namespace, _, _ := strings.Cut(file, "?")
	attributes := []attribute.KeyValue{
		semconv.DBSystemNameSQLite, semconv.DBNamespace(namespace),
		// There is one query. Otherwise these would come from otelsql.WithAttributesGetter.
		semconv.DBOperationName("SELECT"), semconv.DBCollectionName("users"), semconv.DBQuerySummary("SELECT users"),
	}
	database, err := otelsql.Open("sqlite", "file:"+file,
		otelsql.WithAttributes(attributes...),
		otelsql.WithSpanNameFormatter(func(context.Context, otelsql.Method, string) string { return "SELECT users" }),
		// ANCHOR: metrics
		// Its metric has a method of Go, sql.conn.query, where the conventions have the operation, SELECT.
		otelsql.WithMeterProvider(noop.NewMeterProvider()),
		// ANCHOR_END: metrics
		otelsql.WithSpanOptions(otelsql.SpanOptions{SpanFilter: isQuery}))

	if err != nil {
		return nil, err
	}
	database.SetMaxOpenConns(1) // A database in memory belongs to its connection.
	if _, err := database.Exec(schema); err != nil {
		return nil, err
	}
	users := &users{database: database}
	// BEFORE metrics: // TODO metrics: make the histogram of queries.
	users.attributes = attribute.NewSet(attributes...)
	buckets := metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
	users.duration, err = dbconv.NewClientOperationDuration(otel.Meter("handson"), buckets)

	return users, err
}

// ANCHOR: db-spans
// isQuery leaves out what the driver does for itself, such as preparing and closing.
func isQuery(_ context.Context, method otelsql.Method, _ string, _ []driver.NamedValue) bool {
	return method == otelsql.MethodConnQuery
}

// ANCHOR_END: db-spans

// first is the user with the lowest id.
func (u *users) first(ctx context.Context) (id, name string, err error) {
	// ANCHOR: metrics
	started := time.Now()
	defer func() { u.duration.RecordSet(ctx, time.Since(started).Seconds(), u.attributes) }()

	// ANCHOR_END: metrics
	row := u.database.QueryRowContext(ctx, "SELECT id, name FROM users ORDER BY id LIMIT 1")
	err = row.Scan(&id, &name)
	return id, name, err
}
