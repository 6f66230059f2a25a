import { createHmac, randomBytes } from 'node:crypto'

const prefix = 'whsec_'

/** A signing secret of Standard Webhooks 1.0: 32 random bytes in base64 behind `whsec_`. */
export const newWebhookSecret = (): string => `${prefix}${randomBytes(32).toString('base64')}`

export interface Signable {
  /** Equal in every attempt, so that the receiver can tell a repetition. */
  readonly id: string
  readonly atMs: number
  /** The exact text that is sent. */
  readonly body: string
}

/**
 * The three headers of Standard Webhooks 1.0. Each secret adds a signature (`v1,` HMAC-SHA256 in base64 over `id.timestamp.body`):
 * during a rotation a receiver may check with the old or the new one.
 */
export function signedHeaders({ id, atMs, body }: Signable, secrets: readonly string[]): Readonly<Record<string, string>> {
  const timestamp = Math.floor(atMs / 1000)
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') }
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(prefix.length), 'base64')
