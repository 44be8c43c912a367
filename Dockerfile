# Retex : compilation, puis une image sans outil de compilation ni droits d'administration.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src ./src
COPY schemas ./schemas
COPY migrations ./migrations
COPY samples ./samples
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin retex && cp target/release/retex /usr/local/bin/retex

FROM debian:12-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home retex
COPY --from=build /usr/local/bin/retex /usr/local/bin/retex
USER 10001
WORKDIR /data
VOLUME /data
ENV RETEX_DATA=/data \
    RETEX_LISTEN=0.0.0.0:8080 \
    RETEX_LOG_JSON=true
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["curl", "--fail", "--silent", "--show-error", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["retex"]
CMD ["serve"]
