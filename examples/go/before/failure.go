package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
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

// writeProblem answers a request that failed, and logs why. The response says nothing of the inside.
func writeProblem(ctx context.Context, w http.ResponseWriter, err error) {
	fields := []any{"error", err}
	// TODO errors: log the stack for OTLP, too.

	slog.ErrorContext(ctx, "request failed", fields...)
	problem := map[string]any{"type": "about:blank", "title": "Internal Server Error", "status": 500}
	// TODO server-spans: tell the caller the id of the trace, and the span what failed.

	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusInternalServerError)
	json.NewEncoder(w).Encode(problem)
}
