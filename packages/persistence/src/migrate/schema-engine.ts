import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { ColumnTypeEnum, bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'
import type * as EngineModule from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

/** What we use of it; the types of Node do not declare the global. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: Record<string, object>): Promise<{ exports: { __wbindgen_start(): void } }>
}

type EngineClass = typeof SchemaEngine

/** An engine and the connections that it uses; `close` ends both. */
export interface OpenEngine {
  readonly engine: SchemaEngine
  close(): Promise<void>
}

/**
 * Prisma's own schema engine in its WebAssembly build, speaking to `databaseUrl` through node-postgres. The native engine is a
 * download that machines without internet access cannot make; this one is a file in node_modules.
 * `datamodels` are the schema files as [name, content].
 */
export async function openSchemaEngine(databaseUrl: string, datamodels: [string, string][] = [['schema.prisma', anySchema]]): Promise<OpenEngine> {
  const engineClass = await (loading ??= loadEngine())
  // A pool of our own, because the engine leaves its connections, and the lock they hold, to the pool's idle timeout (10 s).
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  const adapter = bindMigrationAwareSqlAdapterFactory(repaired(pool, databaseUrl))
  // The engine reports its log lines through the callback; its results and errors come from the calls.
  const engine = await engineClass.new({ datamodels }, () => undefined, adapter)
  return {
    engine,
    async close() {
      engine.free()
      await pool.end()
    },
  }
}

/** The stock adapter with three repairs, each explained below. */
function repaired(pool: pg.Pool, databaseUrl: string): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool)
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => repairedAdapter(await factory.connect()),
    connectToShadowDb: () => connectToShadow(pool, databaseUrl),
  }
}

type PgAdapter = SqlDriverAdapter & { underlyingDriver(): pg.Pool }

function repairedAdapter(adapter: PgAdapter): SqlDriverAdapter {
  sendWholeScripts(adapter)
  readCatalogueChars(adapter)
  return adapter
}

/**
 * A second, empty database for comparisons. The stock one is the first database when that was given as a URL, because a name in a
 * connection string wins over the name beside it.
 */
async function connectToShadow(pool: pg.Pool, databaseUrl: string): Promise<SqlDriverAdapter> {
  const name = `understudy_shadow_${randomBytes(6).toString('hex')}`
  await pool.query(`create database ${name}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  const adapter = repairedAdapter(await new PrismaPg({ connectionString: url.href }).connect())
  const dispose = adapter.dispose.bind(adapter)
  adapter.dispose = async () => {
    await dispose()
    await pool.query(`drop database if exists ${name} with (force)`)
  }
  return adapter
}

/**
 * The stock adapter cuts a script at every semicolon and sends the pieces one by one: a function body would break, and a migration
 * that fails would stay half applied. Sent whole, PostgreSQL runs a script as one transaction.
 */
function sendWholeScripts(adapter: PgAdapter): void {
  adapter.executeScript = async (script) => {
    // Without arguments node-postgres uses the simple protocol, which takes several statements.
    await adapter.executeRaw({ sql: script, args: [], argTypes: [] })
  }
}

/**
 * PostgreSQL's catalogue has columns of the internal type "char", which the stock adapter does not know and the engine reads when it
 * compares schemas. They are passed through the adapter as the one type of its table that nothing else here uses, an array of
 * "char", and named correctly behind it.
 */
function readCatalogueChars(adapter: PgAdapter): void {
  const internalChar = { scalar: 18, array: 1002 }
  const pool = adapter.underlyingDriver()
  const query = pool.query.bind(pool)
  Object.assign(pool, {
    async query(config: pg.QueryConfig) {
      const result: { fields?: pg.FieldDef[] } = await query(config) // Several statements give a list, which has no fields.
      for (const field of result.fields ?? []) if (field.dataTypeID === internalChar.scalar) field.dataTypeID = internalChar.array
      return result
    },
  })
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async (request) => {
    const result = await queryRaw(request)
    const columnTypes = result.columnTypes.map((type) => (type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type))
    return { ...result, columnTypes }
  }
}

/** The engine insists on one schema file, also for commands that do not look at it. */
const anySchema = 'datasource db {\n  provider = "postgresql"\n}'

let loading: Promise<EngineClass> | undefined

/**
 * The package expects a bundler to load its `.wasm` file as a module, so it is instantiated by hand: the glue module is the
 * import object, and learns of the instance through `__wbg_set_wasm`.
 */
async function loadEngine(): Promise<EngineClass> {
  const glue: typeof EngineModule = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const file = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm')
  // The engine reports a bug of its own through this global; without it the report itself would fail and hide the message.
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: panic } })
  const module = await WebAssembly.compile(await readFile(file))
  const instance = await WebAssembly.instantiate(module, { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return glue.SchemaEngine
}

function panic(message: string): never {
  throw new Error(`the schema engine failed: ${message}`)
}
