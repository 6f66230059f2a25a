import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { isIPv6 } from 'node:net'
import { checkDestinationUrl, refusedDestinations } from '@understudy/control'
import type { WebhookAnswer, WebhookRequest, WebhookSender } from '@understudy/control'
import { DeadlineExceeded, isAppError } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { Agent, request } from 'undici'

export interface WebhookSenderOptions {
  /** Networks that webhooks may reach although they are private, as CIDR. */
  readonly allowedNetworks: readonly string[]
  readonly clock: Clock
  /** All addresses of a name. Default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
}

/** Of an answer nobody reads. What is longer is cut off with the connection. */
const answerBytesMax = 64 * 1024
const addressesMax = 8

/**
 * Sends webhooks with undici. Every request has a connection of its own that can only go to the addresses that were checked: the
 * name is not looked up again between the check and the connection, redirects are not followed, and no proxy of the environment
 * is used.
 */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const resolve = options.resolve ?? (async (hostname: string) => (await lookup(hostname, { all: true })).map(({ address }) => address))
  return {
    async send(wanted) {
      try {
        const url = checkDestinationUrl(wanted.url, options.allowedNetworks)
        const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
        const addresses = await settledOrAborted(resolve(host), wanted.signal)
        const reason = refusedDestinations(addresses, options.allowedNetworks)
        if (reason !== undefined) return { outcome: 'refused', reason }
        return await post(wanted, url, addresses.slice(0, addressesMax), options.clock)
      } catch (error) {
        if (isAppError(error)) return { outcome: 'refused', reason: error.errors[0]?.message ?? error.message }
        return failureOf(error, wanted.signal)
      }
    },
  }
}

async function post(wanted: WebhookRequest, url: URL, addresses: readonly string[], clock: Clock): Promise<WebhookAnswer> {
  const agent = new Agent({ connect: { lookup: pinnedLookup(addresses) }, connections: 1, pipelining: 0, allowH2: false })
  try {
    const { statusCode, headers, body } = await request(url, {
      method: 'POST',
      headers: wanted.headers,
      body: wanted.body,
      signal: wanted.signal,
      dispatcher: agent,
    })
    // The status is the answer; whatever happens to the rest of it changes nothing.
    await body.dump({ limit: answerBytesMax, signal: wanted.signal }).catch(() => undefined)
    const retryAfterMs = readRetryAfter(headers['retry-after'], clock)
    return { outcome: 'answered', statusCode, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  } finally {
    await agent.destroy()
  }
}

/** Answers the checked addresses, whatever is asked. */
function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_hostname, options, callback) => {
    const [first] = found
    if (first === undefined) callback(new Error('no address was checked'), '', 0)
    else if (options.all === true) callback(null, found)
    else callback(null, first.address, first.family)
  }
}

/** Neither the system's resolver nor an injected one knows our signal. */
function settledOrAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([value, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

function readRetryAfter(value: string | readonly string[] | undefined, clock: Clock): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const atMs = Date.parse(value)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.nowMs())
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The connection was refused.',
  ECONNRESET: 'The connection was reset.',
  EHOSTUNREACH: 'The host cannot be reached.',
  ENETUNREACH: 'The network cannot be reached.',
  ENOTFOUND: 'The name cannot be resolved.',
  EAI_AGAIN: 'The name cannot be resolved for now.',
  UND_ERR_SOCKET: 'The connection was closed before an answer.',
}

function failureOf(error: unknown, signal: AbortSignal): WebhookAnswer {
  if (signal.aborted) {
    const { reason } = signal as { readonly reason: unknown }
    const within = reason instanceof DeadlineExceeded ? ` within ${Math.round(reason.waitedMs / 1000)} s` : ' in time'
    return { outcome: 'failed', reason: `There was no answer${within}.`, timedOut: true }
  }
  const code = codeOf(error)
  const isTimeout = code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT'
  if (isTimeout) return { outcome: 'failed', reason: 'There was no answer in time.', timedOut: true }
  const known = reasons[code]
  if (known !== undefined) return { outcome: 'failed', reason: known, timedOut: false }
  const isCertificate = /CERT|SIGNATURE|SSL|TLS|ISSUER/.test(code)
  return { outcome: 'failed', reason: isCertificate ? `The certificate is not accepted (${code}).` : `Sending failed (${code}).`, timedOut: false }
}

/** The first code found: a connection that tried several addresses fails with all their errors. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error.cause === undefined ? error.name : codeOf(error.cause)
}
