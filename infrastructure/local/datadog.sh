#!/bin/sh
# Starts the Datadog Agent in its container, or reports what is missing. `"$@"` is the original command of the image.
set -eu

if [ -z "${DD_API_KEY:-}" ]; then
    echo 'datadog: DD_API_KEY is missing. Write DD_API_KEY=… into .env (and DD_SITE=…, unless it is datadoghq.com).' >&2
    exit 1
fi
exec "$@"
