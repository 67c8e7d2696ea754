package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// handson answers GET /handson.
type handson struct {
	settings settings
	httpbin  httpbin
	users    *users
}

func newHandson(settings settings) (*handson, error) {
	users, err := openUsers(settings.database)
	if err != nil {
		return nil, err
	}
	service := &handson{settings: settings, httpbin: newHTTPBin(settings.httpbin), users: users}
	// TODO metrics: make the counter of requests that are being answered.

	return service, err
}

// ServeHTTP does five pieces of work, one after the other, and stops at the first failure.
func (h *handson) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	// TODO metrics: count the request while it is being answered; otelhttp does not.

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
	// TODO first-span: give it a span, `handson.sleep50microsec`.

	time.Sleep(50 * time.Microsecond)
}

func (h *handson) dbQuery(ctx context.Context) error {
	// TODO db-spans: give it a span, `handson.dbQuery`.

	id, name, err := h.users.first(ctx)
	if err != nil {
		// TODO errors: record the error on the span in which it happened.
		return DatabaseError{err}
	}
	slog.InfoContext(ctx, "dbQuery", "user.id", id, "user.name", name)
	return nil
}

func (h *handson) maybeFail(ctx context.Context) error {
	// TODO errors: give it a span, `handson.randomError`, and record the error on it.

	if rand.Float64() < h.settings.errorRate {
		return RandomError{h.settings.errorRate}
	}
	return nil
}
