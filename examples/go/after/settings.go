package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const version = "0.1.0"

// settings are what the environment says.
type settings struct {
	service, environment, host, port, httpbin, database string
	errorRate                                           float64
	gracePeriod                                         time.Duration
}

func readSettings() (settings, error) {
	variable := func(name, otherwise string) string { return cmp.Or(os.Getenv(name), otherwise) }
	errorRate, err := strconv.ParseFloat(variable("RANDOM_ERROR_RATE", "0"), 64)
	if err != nil || errorRate < 0 || errorRate > 1 {
		return settings{}, fmt.Errorf("invalid value %q for RANDOM_ERROR_RATE: expected a number from 0 to 1", os.Getenv("RANDOM_ERROR_RATE"))
	}
	gracePeriod, err := time.ParseDuration(variable("GRACE_PERIOD", "10s"))
	if err != nil {
		return settings{}, fmt.Errorf("invalid value %q for GRACE_PERIOD: expected a duration such as 10s", os.Getenv("GRACE_PERIOD"))
	}
	return settings{
		service:     variable("OTEL_SERVICE_NAME", "handson"),
		environment: variable("ENV", "development"),
		host:        variable("HOST", "127.0.0.1"),
		port:        variable("PORT", "8080"),
		httpbin:     strings.TrimSuffix(variable("HTTPBIN_URL", "http://127.0.0.1:8081"), "/"),
		database:    strings.TrimPrefix(variable("DATABASE_URL", "sqlite://:memory:"), "sqlite://"),
		errorRate:   errorRate,
		gracePeriod: gracePeriod,
	}, nil
}
