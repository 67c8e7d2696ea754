package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	// ANCHOR: server-spans
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	// ANCHOR_END: server-spans

	// ANCHOR: metrics
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	// ANCHOR_END: metrics
)

// handson answers GET /handson.
type handson struct {
	settings settings
	httpbin  httpbin
	users    *users

	// ANCHOR: metrics
	active httpconv.ServerActiveRequests
	// ANCHOR_END: metrics
}

func newHandson(settings settings) (*handson, error) {
	users, err := openUsers(settings.database)
	if err != nil {
		return nil, err
	}
	service := &handson{settings: settings, httpbin: newHTTPBin(settings.httpbin), users: users}
	// BEFORE metrics: // TODO metrics: make the counter of requests that are being answered.
	service.active, err = httpconv.NewServerActiveRequests(otel.Meter("handson"))

	return service, err
}

// ServeHTTP does five pieces of work, one after the other, and stops at the first failure.
func (h *handson) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	// ANCHOR: server-spans
	// otelhttp starts the span before the mux knows the route.
	trace.SpanFromContext(ctx).SetAttributes(semconv.HTTPRoute("/handson"))

	// ANCHOR_END: server-spans
	// BEFORE metrics: // TODO metrics: count the request while it is being answered; otelhttp does not.
	h.active.Add(ctx, 1, httpconv.RequestMethodGet, "http")
	defer h.active.Add(ctx, -1, httpconv.RequestMethodGet, "http")

	if err := h.work(ctx); err != nil {
		writeProblem(ctx, w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"message": "Hello, " + h.settings.service})
}

func (h *handson) work(ctx context.Context) error {
	sleep50Microsec(ctx)
	if err := h.httpbin.call(ctx, "GET", "/get"); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for method, path := range map[string]string{"GET": "/get", "POST": "/post", "PUT": "/put"} {
		group.Go(func() error { return h.httpbin.call(groupCtx, method, path) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := h.dbQuery(ctx); err != nil {
		return err
	}
	return h.maybeFail(ctx)
}

func sleep50Microsec(ctx context.Context) {
	// BEFORE first-span: // TODO first-span: give it a span, `handson.sleep50microsec`.
	_, span := tracer.Start(ctx, "handson.sleep50microsec")
	defer span.End()

	time.Sleep(50 * time.Microsecond)
}

func (h *handson) dbQuery(ctx context.Context) error {
	// BEFORE db-spans: // TODO db-spans: give it a span, `handson.dbQuery`.
	ctx, span := tracer.Start(ctx, "handson.dbQuery")
	defer span.End()

	id, name, err := h.users.first(ctx)
	if err != nil {
		// BEFORE errors: // TODO errors: record the error on the span in which it happened.
		// BEFORE errors: return DatabaseError{err}
		return newFailure(DatabaseError{err}).record(ctx)
	}
	slog.InfoContext(ctx, "dbQuery", "user.id", id, "user.name", name)
	return nil
}

func (h *handson) maybeFail(ctx context.Context) error {
	// BEFORE errors: // TODO errors: give it a span, `handson.randomError`, and record the error on it.
	ctx, span := tracer.Start(ctx, "handson.randomError")
	defer span.End()

	if rand.Float64() < h.settings.errorRate {
		// BEFORE errors: return RandomError{h.settings.errorRate}
		return newFailure(RandomError{h.settings.errorRate}).record(ctx)
	}
	return nil
}
