# syntax=docker/dockerfile:1

# One image with every program of Tradeyard; the command says which one a container is.
#   docker build -t tradeyard .
#   docker run --env-file .env tradeyard worker-emails --concurrency 32

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# The answers to every SQL query are committed (.sqlx), so no database is needed. Line tables stay out: the image
# carries every program, and a backtrace still names its functions.
ENV SQLX_OFFLINE=true \
    CARGO_PROFILE_RELEASE_DEBUG=0 \
    CARGO_PROFILE_RELEASE_STRIP=debuginfo
COPY . .
# Downloads and compiled dependencies stay in caches between builds: a changed source file costs its crate, not the tree.
# The caches are no part of a layer, so the programs are copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bins -p api -p workers -p scheduler -p tradeyard \
    && install -D -t /programs \
        target/release/api \
        target/release/scheduler \
        target/release/tradeyard \
        target/release/worker-auctions \
        target/release/worker-cargo \
        target/release/worker-chat \
        target/release/worker-emails \
        target/release/worker-images \
        target/release/worker-reports

FROM debian:bookworm-slim
# Certificates for TLS to the servers; curl for the health checks; the fonts that papers are set in.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl fonts-noto-cjk fonts-noto-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tradeyard
COPY --from=build /programs/ /usr/local/bin/
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Inside a container there is nobody else on the loopback; what is reachable from outside is decided by the network. 7340 tells
# operators about the inside: do not publish it.
ENV HTTP_ADDR=0.0.0.0:7300 \
    HEALTH_ADDR=0.0.0.0:7340 \
    LOG_FORMAT=json
EXPOSE 7300 7340
CMD ["api"]
