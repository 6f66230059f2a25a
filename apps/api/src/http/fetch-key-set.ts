import { guardedLookup } from '@understudy/provider'
import type { AddressGuard } from '@understudy/provider'
import { isIP, isIPv6 } from 'node:net'
import { Agent, request } from 'undici'

/** Reads the document at an address of public keys. Rejects when it cannot be had. */
export type FetchKeySet = (url: string) => Promise<unknown>

const timeoutMs = 5_000
const bytesMax = 256 * 1024

/**
 * Over HTTPS, or plain HTTP to this very machine. Every address is asked about before it is connected to, redirects are not
 * followed, and no proxy of the environment is used.
 */
export function guardedKeySets(guard: AddressGuard): FetchKeySet {
  return async (text) => {
    const url = new URL(text)
    const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
    const isHere = host === 'localhost' || (isIP(host) !== 0 && (host.startsWith('127.') || (isIPv6(host) && host === '::1')))
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) throw new Error(`keys are read over https only, not from ${url.origin}`)
    // A host that is an address is not looked up, so it is asked about here.
    const refused = isIP(host) === 0 ? undefined : guard(host)
    if (refused !== undefined) throw new Error(`${host} ${refused}`)
    const dispatcher = new Agent({ connect: { lookup: guardedLookup(guard), timeout: timeoutMs }, connections: 1, pipelining: 0, allowH2: false })
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const { statusCode, body } = await request(url, { dispatcher, signal, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
      if (statusCode !== 200) {
        await body.dump({ limit: bytesMax })
        throw new Error(`${url.origin} answered ${statusCode} when asked for its keys`)
      }
      return JSON.parse(await textOf(body)) as unknown
    } finally {
      await dispatcher.destroy()
    }
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > bytesMax) throw new Error(`a key set of more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
