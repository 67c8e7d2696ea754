// ANCHOR: first-span
package main

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	// ANCHOR: server-spans
	"go.opentelemetry.io/otel/propagation"
	// ANCHOR_END: server-spans

	// ANCHOR: log-correlation
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	// ANCHOR_END: log-correlation

	// ANCHOR: metrics
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	// ANCHOR_END: metrics
)

// tracer makes the spans of this program; those of libraries have tracers of their own.
var tracer = otel.Tracer("handson")

// startTelemetry builds the pipelines, and returns the function that flushes and ends them.
func startTelemetry(settings settings) (func(), error) {
	ctx := context.Background()
	// An export that fails is logged, and does not make the service fail.
	report := func(err error) { slog.Warn("OpenTelemetry reports an error", "reason", err.Error()) }
	otel.SetErrorHandler(otel.ErrorHandlerFunc(report))
	resource, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		semconv.ServiceName(settings.service),
		semconv.ServiceVersion(version),
		semconv.DeploymentEnvironmentNameKey.String(settings.environment),
	), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithResource(resource), sdktrace.WithBatcher(spans))
	otel.SetTracerProvider(traces)
	shutdowns := []func(context.Context) error{traces.Shutdown}

	// BEFORE server-spans: // TODO server-spans: read the ids that callers send.
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))

	// BEFORE log-correlation: // TODO log-correlation: build a logger provider.
	records, err := otlploghttp.New(ctx)
	if err != nil {
		return nil, err
	}
	logs := sdklog.NewLoggerProvider(sdklog.WithResource(resource), sdklog.WithProcessor(sdklog.NewBatchProcessor(records)))
	otel.SetLoggerProvider(logs)
	shutdowns = append(shutdowns, logs.Shutdown)

	// BEFORE metrics: // TODO metrics: build a meter provider.
	points, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, err
	}
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithResource(resource), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(points)))
	otel.SetMeterProvider(metrics)
	shutdowns = append(shutdowns, metrics.Shutdown)

	return func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for _, shutdown := range shutdowns {
			if err := shutdown(ctx); err != nil {
				report(err)
			}
		}
	}, nil
}

// ANCHOR_END: first-span
