# The relay as a container:
#   docker build -t handoff-relay .
#   docker run --env-file .env -v handoffs:/data -p 8090:8090 -p 127.0.0.1:8091:8091 handoff-relay

FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Dependencies bring their own C: SQLite, and the cryptography under TLS.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The addresses that the loader corrects at the start are packed: a megabyte less in the binary, and in memory. The loader must
# be of glibc 2.36 or newer, as in this image.
ENV RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs"
# First the dependencies alone, over empty sources: this layer lasts until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY bench/Cargo.toml bench/
COPY sandbox/Cargo.toml sandbox/
RUN mkdir -p src bench/src sandbox/src benches \
    && echo 'fn main() {}' | tee src/main.rs bench/src/main.rs benches/scale.rs > /dev/null \
    && touch src/lib.rs sandbox/src/lib.rs \
    && cargo build --profile dist --locked --no-default-features --features jemalloc
COPY src src
COPY console console
# Newer than what was built over the empty sources.
RUN touch src/main.rs src/lib.rs \
    && cargo build --profile dist --locked --no-default-features --features jemalloc
# What the image holds: the binary, the libraries it names, the certificates it trusts, a user, a folder.
RUN mkdir -p /image/{data,etc/ssl/certs,usr/local/bin} \
    && cp target/dist/handoff-relay /image/usr/local/bin/ \
    && ldd target/dist/handoff-relay | grep -o '/[^ ]*' | xargs -I{} cp --dereference --parents {} /image \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'relay:x:65532:65532::/data:/none' > /image/etc/passwd \
    && chown 65532:65532 /image/data

FROM scratch
COPY --from=build /image /
USER 65532:65532
ENV PATH=/usr/local/bin \
    LISTEN=0.0.0.0:8090 \
    AGENT_LISTEN=0.0.0.0:8091 \
    DATABASE_URL=sqlite:///data/handoffs.db \
    FILES_URL=file:///data/files \
    TMPDIR=/data
WORKDIR /data
VOLUME /data
EXPOSE 8090 8091
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["handoff-relay", "health"]
ENTRYPOINT ["handoff-relay"]
