// Command handson is the service of the hands-on in Go: net/http, database/sql and slog.
package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(stop); err != nil {
		slog.Error("the service has failed", "reason", err.Error())
		os.Exit(1)
	}
}

// run serves until stop is done. Requests that are running end first, and telemetry is sent last.
func run(stop context.Context) error {
	settings, err := readSettings()
	if err != nil {
		return err
	}
	// TODO first-span: start the pipelines, and flush them when this function ends.

	slog.SetDefault(slog.New(logHandler(settings)))

	service, err := newHandson(settings)
	if err != nil {
		return err
	}
	defer service.users.database.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /handson", service)
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	var handler http.Handler = mux
	// TODO server-spans: give each request a span, and name it in the response.

	listener, err := net.Listen("tcp", net.JoinHostPort(settings.host, settings.port))
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	slog.Info("handson listens", "server.address", address.IP.String(), "server.port", address.Port)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	slog.Info("stopping")
	grace, cancel := context.WithTimeout(context.Background(), settings.gracePeriod)
	defer cancel()
	return server.Shutdown(grace)
}
