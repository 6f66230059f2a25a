import { AppError } from '@understudy/core'

/** `AppError`s for what a caller can meet; everything else is a bug of ours and stays what it is. */
export function translate(error: unknown): unknown {
  if (error instanceof AppError) return error
  const state = sqlState(error)
  switch (state) {
    case '23505':
      return new AppError('already_exists', 'It exists already.', { cause: error })
    case '23503':
      return new AppError('conflict', 'Something that is still there depends on it, or something it depends on is gone.', { cause: error })
    case '22021':
    case '22P05':
      return new AppError('invalid_request', 'A text holds a character that cannot be stored (NUL, or half of a surrogate pair).', { cause: error })
    default:
      return isUnreachable(error, state) || isRetryable(error)
        ? new AppError('unavailable', 'The database does not answer in time. Try again in a moment.', { cause: error })
        : error
  }
}

/** Two transactions stood in each other's way and this one lost. Running it again is right. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error)
  return state === '40001' || state === '40P01' || field(error, 'code') === 'P2034'
}

const unreachableCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
/** Prisma: no server, no answer, no free connection, no transaction in time. */
const unreachablePrismaCodes = new Set(['P1000', 'P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'])
/** node-postgres and its pool have no codes for these. */
const unreachableMessages =
  /timeout exceeded when trying to connect|connection terminated|client has encountered a connection error|server has closed the connection|query read timeout|after calling end on the pool|can't reach database server/i

/** What the driver adapter calls them, when a raw query meets them. */
const unreachableKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections', 'TlsConnectionError'])

function isUnreachable(error: unknown, state: string | undefined): boolean {
  // 08: connection, 53: resources, 57P: shutdown, 57014: a limit of time, 28: the server refuses the user.
  if (state !== undefined) return /^(08|53|57P|57014|28)/.test(state)
  return chain(error).some((link) => {
    const code = field(link, 'code')
    const message = field(link, 'message')
    return (
      unreachableKinds.has(String(field(link, 'kind'))) ||
      (typeof code === 'string' && (unreachableCodes.has(code) || unreachablePrismaCodes.has(code))) ||
      (typeof message === 'string' && unreachableMessages.test(message))
    )
  })
}

/** PostgreSQL's own five characters, wherever the driver or Prisma has put them. */
export function sqlState(error: unknown): string | undefined {
  for (const link of chain(error)) {
    for (const candidate of [field(link, 'originalCode'), field(link, 'code')]) {
      // Prisma's codes have five characters too: P1001, P2002.
      if (typeof candidate === 'string' && /^[0-9A-Z]{5}$/.test(candidate) && !/^P\d{4}$/.test(candidate)) return candidate
    }
  }
  return undefined
}

/** The error, Prisma's note of what the driver said, and what caused it. */
function chain(error: unknown): readonly unknown[] {
  const links: unknown[] = []
  let link = error
  while (typeof link === 'object' && link !== null && links.length < 8) {
    links.push(link)
    link = field(field(link, 'meta'), 'driverAdapterError') ?? field(link, 'cause')
  }
  return links
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
