import { defineConfig } from 'prisma/config'

/** For `prisma generate` only: migrations are applied by packages/persistence/src/migrate, without Prisma's native engine. */
const config = defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } })

export default config
