# The static program and nothing else: no shell, no libraries. `make image` builds it; its context is the unpacked archive.
#
#   docker run --rm --pid host --network host --read-only --cap-drop ALL \
#     --cap-add SYS_ADMIN --cap-add SYS_PTRACE --cap-add DAC_READ_SEARCH ghcr.io/hoptap/hoptap:0.1.0
#
# There is no HEALTHCHECK: whoever runs it asks /healthz and /readyz on port 9464.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="hoptap" \
      org.opencontainers.image.description="Watches a running Traefik from outside and traces both hops of every request" \
      org.opencontainers.image.source="https://github.com/hoptap/hoptap" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY hoptap LICENSE THIRD-PARTY.txt /
# Root without its rights: Docker gives capabilities to root only. docs/security.md says which, and what for.
USER 0:0
EXPOSE 9464
ENTRYPOINT ["/hoptap"]
