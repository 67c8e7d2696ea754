// ANCHOR: server-spans
package main

import (
	"fmt"
	"net/http"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// isTraced leaves out health checks, which are no requests of users.
func isTraced(r *http.Request) bool { return r.URL.Path != "/healthz" }

// nameTrace names the SERVER span in each response. It gives the span the query, which otelhttp leaves out.
func nameTrace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		span := trace.SpanFromContext(r.Context())
		if r.URL.RawQuery != "" {
			span.SetAttributes(semconv.URLQuery(r.URL.RawQuery))
		}
		ids := span.SpanContext()
		w.Header().Set("traceresponse", fmt.Sprintf("00-%s-%s-%s", ids.TraceID(), ids.SpanID(), ids.TraceFlags()))
		next.ServeHTTP(w, r)
	})
}

// ANCHOR_END: server-spans
