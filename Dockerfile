# One static binary and the certificate authorities it trusts. No shell, no package manager, no root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/usersvc /usersvc
USER 65532:65532

# A container's own disk is no place for a database, so the embedded one is refused here.
ENV USERSVC_REQUIRE_DATABASE_URL=1

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usersvc", "health"]
ENTRYPOINT ["/usersvc"]
CMD ["serve"]
