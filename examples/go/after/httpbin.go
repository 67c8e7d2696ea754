package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	// ANCHOR: client-spans
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	// ANCHOR_END: client-spans

	// ANCHOR: metrics
	"strconv"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	// ANCHOR_END: metrics
)

// httpbin calls the httpbin at url.
type httpbin struct {
	client http.Client
	url    string
}

func newHTTPBin(url string) httpbin {
	transport := http.DefaultTransport
	// ANCHOR: errors
	transport = recorder{transport}
	// ANCHOR_END: errors
	// BEFORE client-spans: // TODO client-spans: wrap the transport, so that each call has a span and sends its ids along.
	name := func(_ string, r *http.Request) string { return r.Method }
	transport = otelhttp.NewTransport(transport, otelhttp.WithSpanNameFormatter(name))

	return httpbin{client: http.Client{Transport: transport, Timeout: 5 * time.Second}, url: url}
}

func (h httpbin) call(ctx context.Context, method, path string) error {
	var body io.Reader
	if method != http.MethodGet {
		body = bytes.NewBufferString(`{"hello":"httpbin"}`)
	}
	request, err := http.NewRequestWithContext(ctx, method, h.url+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.client.Do(request)
	if err == nil {
		defer response.Body.Close()
	}
	if err := refusal(response, err); err != nil {
		// BEFORE errors: return err
		return newFailure(err) // The transport has recorded it on the span of the call.
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// refusal is why a call failed.
func refusal(response *http.Response, err error) error {
	switch {
	case err != nil:
		return HttpbinError{err.Error()}
	case response.StatusCode >= 400:
		return HttpbinError{"it answers " + response.Status}
	}
	return nil
}

// ANCHOR: errors
// recorder records why a call failed while its span is open: otelhttp ends the span when the body is closed.
type recorder struct{ http.RoundTripper }

func (t recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err := refusal(response, err); err != nil {
		newFailure(err).record(r.Context())
	}
	// ANCHOR: metrics
	if err == nil && response.StatusCode >= 400 {
		labeler, _ := otelhttp.ClientLabelerFromContext(r.Context())
		labeler.Add(semconv.ErrorTypeKey.String(strconv.Itoa(response.StatusCode)))
	}
	// ANCHOR_END: metrics
	return response, err
}

// ANCHOR_END: errors
