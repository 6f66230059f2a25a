import { AppError } from '@understudy/core'
import pg from 'pg'

/** The oldest PostgreSQL that has everything we use (`MERGE`, `NULLS NOT DISTINCT`). */
export const postgresMajorMin = 15

export interface ServerFacts {
  readonly major: number
  /** As the server writes it, for example `18.4`. */
  readonly version: string
}

/**
 * Connects once. Throws `invalid_request` for a URL that cannot be right and `unavailable` for a server that cannot be used, each
 * with one line that says what to do and never holds the password.
 */
export async function checkServer(databaseUrl: string): Promise<ServerFacts> {
  const place = describe(databaseUrl)
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  // A server that ends while we ask emits an error outside of the promise.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ number: string; version: string }>(
      `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
    )
    const major = Math.floor(Number(rows[0]?.number) / 10_000)
    const version = rows[0]?.version ?? 'unknown'
    if (major >= postgresMajorMin) return { major, version }
    throw new AppError('unavailable', `PostgreSQL ${version} at ${place} is too old. Use ${postgresMajorMin} or later; 18 is what we test with.`)
  } catch (error) {
    throw error instanceof AppError ? error : explain(error, place)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** `host:port/database`, without user and password. */
function describe(databaseUrl: string): string {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  if (url?.protocol !== 'postgresql:' && url?.protocol !== 'postgres:') {
    throw new AppError('invalid_request', 'DATABASE_URL is not a PostgreSQL URL. It looks like postgresql://user:password@host:5432/database.')
  }
  return `${url.hostname || 'localhost'}:${url.port || '5432'}${url.pathname}`
}

function explain(error: unknown, place: string): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = messageFor(code, place) ?? `PostgreSQL at ${place} cannot be used: ${error instanceof Error ? error.message : String(error)}.`
  return new AppError('unavailable', message, { cause: error })
}

function messageFor(code: string, place: string): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `Nothing listens at ${place}. Start PostgreSQL there, or correct DATABASE_URL.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of ${place} is not known. Correct DATABASE_URL, or the name service.`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${place} cannot be reached from here. Check DATABASE_URL, the network and the firewall.`
    case '28P01':
    case '28000':
      return `PostgreSQL at ${place} refuses the user or the password of DATABASE_URL.`
    case '3D000':
      return `The database of ${place} does not exist. Create it, or correct DATABASE_URL.`
    case '53300':
      return `PostgreSQL at ${place} has no free connection. Raise max_connections, or close other programs.`
    case '57P03':
      return `PostgreSQL at ${place} is still starting. Try again in a moment.`
    default:
      return undefined
  }
}
