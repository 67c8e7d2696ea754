# The images: `docker build --target backend .`, or `loadtest`, or `console`; `docker compose build` builds all of
# them. See docs/containers.md.
#
# An image contains one program, the libraries that it loads, certificates and a user. It has no shell and no package
# manager. There is no `# syntax=` line, because the Dockerfile frontend of every engine since 20.10 is sufficient,
# and one image less is pulled.

# The folder of the backend: the root, or one of backend-*, which has its own manifest and lock file.
ARG BACKEND=.

FROM rust:1.95.0-slim-bookworm AS rust
# jemalloc needs `make`; the certificates are copied into the images.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates make \
    && rm -rf /var/lib/apt/lists/*
# The profile of the root's manifest, also for backends, whose manifests have none. So all of them share compiled
# dependencies, in a folder that is part of no image. A test of the images overrides these values for a faster build.
ARG LTO=thin
ARG CODEGEN_UNITS=1
ENV CARGO_TARGET_DIR=/target \
    CARGO_PROFILE_RELEASE_LTO=$LTO \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=$CODEGEN_UNITS \
    CARGO_PROFILE_RELEASE_STRIP=symbols
WORKDIR /build
COPY infrastructure/container/build.sh /usr/local/bin/image

# --- The sources, and separately the files that determine the dependencies ----------------------------------

FROM rust AS tree
COPY . /tree

FROM tree AS backend-sources
ARG BACKEND
RUN image sources "$BACKEND"

FROM tree AS loadtest-sources
RUN image sources .

# --- The backend ------------------------------------------------------------------------------------------------------

# This stage is cached until a manifest or the lock file changes: a change of the sources begins at the next stage.
FROM rust AS backend-dependencies
ARG BACKEND
COPY --from=backend-sources /skeleton .
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image dependencies "$BACKEND"

FROM backend-dependencies AS backend-program
COPY --from=backend-sources /sources .
# Not earlier, because another commit must not compile the dependencies again.
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image program "$BACKEND" handson

FROM scratch AS backend
ARG VERSION
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
LABEL org.opencontainers.image.title="handson" \
      org.opencontainers.image.description="The target of an observability workshop, instrumented with OpenTelemetry" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="$GIT_REPOSITORY_URL" \
      org.opencontainers.image.revision="$GIT_COMMIT_SHA" \
      org.opencontainers.image.version="$VERSION"
COPY --from=backend-program /image /
# A number, because Kubernetes can then verify that it is not root.
USER 10001:10001
ENV HOST=0.0.0.0
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/handson", "healthcheck"]
ENTRYPOINT ["/handson"]

# --- The load generator -----------------------------------------------------------------------------------------------

FROM rust AS loadtest-dependencies
COPY --from=loadtest-sources /skeleton .
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image dependencies loadtest

FROM loadtest-dependencies AS loadtest-program
COPY --from=loadtest-sources /sources .
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image program loadtest loadtest

# It serves nothing, so it has neither a port nor a health check.
FROM scratch AS loadtest
ARG VERSION
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
LABEL org.opencontainers.image.title="loadtest" \
      org.opencontainers.image.description="A load generator for those who know k6: iterations start on schedule" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="$GIT_REPOSITORY_URL" \
      org.opencontainers.image.revision="$GIT_COMMIT_SHA" \
      org.opencontainers.image.version="$VERSION"
COPY --from=loadtest-program /image /
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/loadtest"]

# --- The console ------------------------------------------------------------------------------------------------------

FROM rust AS console-dependencies
COPY --from=loadtest-sources /skeleton .
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image dependencies console

FROM console-dependencies AS console-program
COPY --from=loadtest-sources /sources .
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image program console handson-console

FROM scratch AS console
ARG VERSION
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
LABEL org.opencontainers.image.title="console" \
      org.opencontainers.image.description="Receives OTLP, and shows traces, logs, metrics and errors in a browser" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="$GIT_REPOSITORY_URL" \
      org.opencontainers.image.revision="$GIT_COMMIT_SHA" \
      org.opencontainers.image.version="$VERSION"
COPY --from=console-program /image /
COPY monitor.toml /
USER 10001:10001
ENV CONSOLE_HOST=0.0.0.0 \
    CONSOLE_MONITOR=/monitor.toml
EXPOSE 4000 4317 4318
STOPSIGNAL SIGTERM
ENTRYPOINT ["/handson-console"]
