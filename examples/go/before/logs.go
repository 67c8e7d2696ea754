package main

import (
	"log/slog"
	"os"
)

// logHandler writes log lines on stdout.
func logHandler(settings settings) slog.Handler {
	// TODO structured-logs: write one JSON object per line, which says who wrote it.
	handler := slog.NewTextHandler(os.Stdout, nil)

	// TODO log-correlation: let each line name its span, and send it over OTLP.
	return handler
}
