# The images: `docker build --target backend .`, or `loadtest`, or `workshop`; `docker compose build` makes all of them.
# docs/containers.md says more.
#
# What is inside: one program, the libraries that it loads, certificates, a user. No shell, no package manager.
# No `# syntax=` line: the Dockerfile of every engine since 20.10 is enough, and one image less is pulled.

# The folder of the backend: the root, or one of backend-*, which has a manifest and a lock of its own.
ARG BACKEND=.

FROM rust:1.95.0-slim-bookworm AS rust
# `make` is for jemalloc; the certificates go into the images.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates make \
    && rm -rf /var/lib/apt/lists/*
# The profile of the root's manifest, for backends too: their manifests have none. So all of them share what is
# compiled, in a folder that no image keeps. A test of the images builds faster with other values.
ARG LTO=thin
ARG CODEGEN_UNITS=1
ENV CARGO_TARGET_DIR=/target \
    CARGO_PROFILE_RELEASE_LTO=$LTO \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=$CODEGEN_UNITS \
    CARGO_PROFILE_RELEASE_STRIP=symbols
WORKDIR /build
COPY infrastructure/container/build.sh /usr/local/bin/image

# --- What is built: the sources, and apart from them what decides about the dependencies ------------------------------

FROM rust AS tree
COPY . /tree

FROM tree AS backend-sources
ARG BACKEND
RUN image sources "$BACKEND"

FROM tree AS loadtest-sources
RUN image sources .

# --- The backend ------------------------------------------------------------------------------------------------------

# It stays as it is while manifests and lock do: a change of the sources begins at the next stage.
FROM rust AS backend-dependencies
ARG BACKEND
COPY --from=backend-sources /skeleton .
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image dependencies "$BACKEND"

FROM backend-dependencies AS backend-program
COPY --from=backend-sources /sources .
# Not any earlier: another commit must not compile the dependencies again.
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
# A number: Kubernetes can tell by it that this is not root.
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

# It serves nothing, so it has no port and no health check.
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

FROM rust AS workshop-dependencies
COPY --from=loadtest-sources /skeleton .
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image dependencies workshop

FROM workshop-dependencies AS workshop-program
COPY --from=loadtest-sources /sources .
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
RUN --mount=type=cache,id=handson-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=handson-git,target=/usr/local/cargo/git,sharing=locked \
    --mount=type=cache,id=handson-target,target=/target,sharing=locked \
    image program workshop workshop

# Of the workshop's commands it is the console that works without the repository.
FROM scratch AS workshop
ARG VERSION
ARG GIT_COMMIT_SHA
ARG GIT_REPOSITORY_URL
LABEL org.opencontainers.image.title="workshop" \
      org.opencontainers.image.description="Takes OTLP, and shows traces, logs, metrics and errors in a browser" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="$GIT_REPOSITORY_URL" \
      org.opencontainers.image.revision="$GIT_COMMIT_SHA" \
      org.opencontainers.image.version="$VERSION"
COPY --from=workshop-program /image /
COPY monitor.toml /
USER 10001:10001
ENV CONSOLE_HOST=0.0.0.0 \
    CONSOLE_MONITOR=/monitor.toml
EXPOSE 4000 4317 4318
STOPSIGNAL SIGTERM
ENTRYPOINT ["/workshop"]
CMD ["console"]
