package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	// ANCHOR: server-spans
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	// ANCHOR_END: server-spans

	// ANCHOR: errors
	"runtime/debug"

	"go.opentelemetry.io/otel/codes"
	// ANCHOR_END: errors

	// ANCHOR: metrics
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	// ANCHOR_END: metrics
)

// RandomError is a failure at random.
type RandomError struct{ rate float64 }

func (e RandomError) Error() string { return fmt.Sprintf("failed at random, at a rate of %v", e.rate) }

// HttpbinError is a call of httpbin that failed.
type HttpbinError struct{ reason string }

func (e HttpbinError) Error() string { return "calling httpbin: " + e.reason }

// DatabaseError is a query that failed.
type DatabaseError struct{ cause error }

func (e DatabaseError) Error() string { return "reading the first user: " + e.cause.Error() }

func (e DatabaseError) Unwrap() error { return e.cause }

// ANCHOR: errors
// failure is an error with the stack of the place where it was made.
type failure struct {
	error
	stack string
}

func newFailure(err error) failure { return failure{err, string(debug.Stack())} }

// ErrorType is the type under which OpenTelemetry's libraries record it.
func (f failure) ErrorType() string { return fmt.Sprintf("%T", f.error) }

// record records the failure on the current span, in which it happened.
func (f failure) record(ctx context.Context) failure {
	span := trace.SpanFromContext(ctx)
	span.RecordError(f.error, trace.WithAttributes(semconv.ExceptionStacktrace(f.stack)))
	span.SetStatus(codes.Error, f.Error())
	return f
}

// ANCHOR_END: errors

// writeProblem answers a request that failed, and logs why. The response says nothing of the inside.
func writeProblem(ctx context.Context, w http.ResponseWriter, err error) {
	fields := []any{"error", err}
	// BEFORE errors: // TODO errors: log the stack for OTLP, too.
	if f, ok := err.(failure); ok {
		fields = append(fields, string(semconv.ExceptionStacktraceKey), f.stack)
	}

	slog.ErrorContext(ctx, "request failed", fields...)
	problem := map[string]any{"type": "about:blank", "title": "Internal Server Error", "status": 500}
	// BEFORE server-spans: // TODO server-spans: tell the caller the id of the trace, and the span what failed.
	span := trace.SpanFromContext(ctx)
	problem["trace_id"] = span.SpanContext().TraceID().String()
	span.SetAttributes(semconv.ErrorType(err)) // otelhttp sets the status, but no error.type.

	// ANCHOR: metrics
	labeler, _ := otelhttp.LabelerFromContext(ctx)
	labeler.Add(semconv.ErrorType(err))

	// ANCHOR_END: metrics
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusInternalServerError)
	json.NewEncoder(w).Encode(problem)
}
