package main

import (
	// ANCHOR: log-correlation
	"context"
	// ANCHOR_END: log-correlation
	"log/slog"
	"os"

	// ANCHOR: log-correlation
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/trace"
	// ANCHOR_END: log-correlation

	// ANCHOR: errors
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	// ANCHOR_END: errors
)

// logHandler writes log lines on stdout.
func logHandler(settings settings) slog.Handler {
	// BEFORE structured-logs: // TODO structured-logs: write one JSON object per line, which says who wrote it.
	// BEFORE structured-logs: handler := slog.NewTextHandler(os.Stdout, nil)
	handler := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: rename}).WithAttrs([]slog.Attr{
		slog.String("service", settings.service), slog.String("dd.service", settings.service),
		slog.String("env", settings.environment), slog.String("dd.env", settings.environment),
		slog.String("version", version), slog.String("dd.version", version),
	})

	// BEFORE log-correlation: // TODO log-correlation: let each line name its span, and send it over OTLP.
	// BEFORE log-correlation: return handler
	return slog.NewMultiHandler(withIDs{handler}, otelslog.NewHandler("handson"))
}

// ANCHOR: structured-logs
// rename gives the fields the names that the service has in every language.
func rename(groups []string, field slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case field.Key == slog.TimeKey:
		field.Value = slog.TimeValue(field.Value.Time().UTC())
	case field.Key == slog.MessageKey:
		field.Key = "message"
	}
	// ANCHOR: errors
	if failure, ok := field.Value.Any().(failure); ok {
		return slog.Group("error", "kind", failure.ErrorType(), "message", failure.Error(), "stack", failure.stack)
	}
	if field.Key == string(semconv.ExceptionStacktraceKey) {
		return slog.Attr{} // It is in the group.
	}
	// ANCHOR_END: errors
	return field
}

// ANCHOR_END: structured-logs

// ANCHOR: log-correlation
// withIDs adds the ids of the current span, under the names that several backends read.
type withIDs struct{ slog.Handler }

func (h withIDs) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record = record.Clone()
		for _, prefix := range []string{"trace_", "trace.", "dd.trace_"} {
			record.AddAttrs(slog.String(prefix+"id", span.TraceID().String()))
		}
		for _, prefix := range []string{"span_", "span.", "dd.span_"} {
			record.AddAttrs(slog.String(prefix+"id", span.SpanID().String()))
		}
	}
	return h.Handler.Handle(ctx, record)
}

func (h withIDs) WithAttrs(fields []slog.Attr) slog.Handler {
	return withIDs{h.Handler.WithAttrs(fields)}
}

func (h withIDs) WithGroup(name string) slog.Handler { return withIDs{h.Handler.WithGroup(name)} }

// ANCHOR_END: log-correlation
