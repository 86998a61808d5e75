# syntax=docker/dockerfile:1.17

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches stay out of the layer, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --package tenantry-app \
    && cp target/release/tenantry /usr/local/bin/tenantry

FROM debian:12.12-slim
LABEL org.opencontainers.image.title="tenantry" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin tenantry \
    && install --directory --owner=10001 --mode=0700 /app/data
COPY --from=build /usr/local/bin/tenantry /usr/local/bin/tenantry
COPY config /app/config
WORKDIR /app
USER 10001
ENV TENANTRY_ENV=production \
    TENANTRY__SERVER__HOST=0.0.0.0
VOLUME /app/data
# PORT, where it is set, names another.
EXPOSE 8000
STOPSIGNAL SIGTERM
# Without curl in the image: bash speaks TCP.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${PORT:-8000} && printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["tenantry"]
CMD ["serve"]
