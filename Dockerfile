# The service as an image: built on Node 24, run without shell or root.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="maglev-sim" \
      org.opencontainers.image.description="An emulated Linux node on which Cilium's Maglev load balancer runs as a real BPF program" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build --chown=nonroot:nonroot /app/package.json /app/LICENSE /app/openapi.yaml ./
COPY --from=build --chown=nonroot:nonroot /app/node_modules ./node_modules
COPY --from=build --chown=nonroot:nonroot /app/build ./build
COPY --from=build --chown=nonroot:nonroot /app/dist ./dist
COPY --from=build --chown=nonroot:nonroot /app/lib/datapath/objects ./lib/datapath/objects
COPY --from=build --chown=nonroot:nonroot /app/examples ./examples
COPY --from=build --chown=nonroot:nonroot /app/docs/kernel-parity.json ./docs/kernel-parity.json
# a container has a network of its own: who may reach the port is said where it is published
ENV HOST=0.0.0.0 PORT=8080 ALLOW_REMOTE=true NODE_OPTIONS=--enable-source-maps
EXPOSE 8080
USER nonroot
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["/nodejs/bin/node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["dist/src/cli/main.js", "serve"]
