# Builds the service with PostgreSQL, then keeps only the program and what it links to.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --features postgres

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /data --shell /usr/sbin/nologin warm-transfer
COPY --from=build /src/target/release/warm-transfer /usr/local/bin/warm-transfer
COPY config /etc/warm-transfer/config
WORKDIR /data
RUN ln -s /etc/warm-transfer/config config
USER warm-transfer
ENV WARM_TRANSFER_ENVIRONMENT=production
EXPOSE 8080
# The service is asked by its own program: the image has no other HTTP client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["warm-transfer", "check", "--ready"]
ENTRYPOINT ["warm-transfer"]
CMD ["serve"]
