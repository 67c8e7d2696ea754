package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// httpbin calls the httpbin at url.
type httpbin struct {
	client http.Client
	url    string
}

func newHTTPBin(url string) httpbin {
	transport := http.DefaultTransport
	// TODO client-spans: wrap the transport, so that each call has a span and sends its ids along.

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
		return err
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
