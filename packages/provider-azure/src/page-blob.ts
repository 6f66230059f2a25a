import { createDefaultHttpClient, createEmptyPipeline, createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline'
import { parseXML } from '@azure/core-xml'
import { isProviderError, providerError } from '@understudy/provider'
import type { ProviderError, ProviderErrorKind } from '@understudy/provider'
import type { Agent } from 'node:https'
import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { type ConnectionOptions, connectionPolicy } from './connection.ts'

/** The first that pages lists of ranges; `x-ms-previous-snapshot-url` is older. */
const version = '2020-10-02'

export interface PageRange {
  readonly from: number
  /** The last byte of it. */
  readonly to: number
  readonly cleared: boolean
}

/**
 * Reads page blobs under shared access signatures. What has such an address can read the disk: it is in no message, no cause and no log.
 * https://learn.microsoft.com/rest/api/storageservices/get-page-ranges
 */
export function pageBlobReader(agent: Agent, connection: ConnectionOptions) {
  const pipeline = createEmptyPipeline()
  pipeline.addPolicy(connectionPolicy(agent, connection, {}))
  const http = createDefaultHttpClient()

  async function get(address: string, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined) {
    const request = createPipelineRequest({
      url: address,
      headers: createHttpHeaders({ 'x-ms-version': version, ...headers }),
      streamResponseStatusCodes: new Set([200, 206]),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    })
    try {
      const { status, headers: answered, readableStreamBody, bodyAsText } = await pipeline.sendRequest(http, request)
      if (status !== 200 && status !== 206) throw refusal(status, answered.get('x-ms-error-code') ?? codeIn(bodyAsText))
      return { headers: answered, body: readableStreamBody === undefined ? Buffer.alloc(0) : await buffer(readableStreamBody) }
    } catch (error) {
      if (isProviderError(error)) throw error
      const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'NoAnswer'
      // Neither its message nor its request: both have the address.
      throw providerError('unavailable', signal?.aborted === true ? 'Aborted' : code, 'Azure Storage did not answer.')
    }
  }

  return {
    /** Ranges that have bytes, or that differ from another blob, within these; and the size of the blob. */
    async ranges(
      address: string,
      {
        from,
        to,
        since,
        signal,
      }: { readonly from: number; readonly to: number; readonly since: string | undefined; readonly signal: AbortSignal | undefined },
    ): Promise<{ readonly ranges: readonly PageRange[]; readonly contentLength: number }> {
      const ranges: PageRange[] = []
      let contentLength = 0
      let marker: string | undefined
      do {
        const url = new URL(address)
        url.searchParams.set('comp', 'pagelist')
        if (marker !== undefined) url.searchParams.set('marker', marker)
        const headers = { 'x-ms-range': `bytes=${from}-${to}`, ...(since === undefined ? {} : { 'x-ms-previous-snapshot-url': since }) }
        const answer = await get(url.href, headers, signal)
        contentLength = Number(answer.headers.get('x-ms-blob-content-length') ?? 0)
        const list = (await parseXML(answer.body.toString('utf8'))) as PageList // as the service documents it
        for (const [name, cleared] of [
          ['PageRange', false],
          ['ClearRange', true],
        ] as const)
          for (const { Start, End } of listOf(list[name])) ranges.push({ from: Number(Start), to: Number(End), cleared })
        marker = typeof list.NextMarker === 'string' && list.NextMarker !== '' ? list.NextMarker : undefined
      } while (marker !== undefined)
      return { ranges: ranges.toSorted((a, b) => a.from - b.from), contentLength }
    },
    async read(address: string, { from, to }: Pick<PageRange, 'from' | 'to'>, signal: AbortSignal | undefined): Promise<Uint8Array> {
      const { headers, body } = await get(address, { 'x-ms-range': `bytes=${from}-${to}`, 'x-ms-range-get-content-md5': 'true' }, signal)
      const md5 = headers.get('content-md5')
      if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64'))
        throw providerError('conflict', 'ChecksumMismatch', `Azure sent other bytes of ${from}–${to} than it says it has.`)
      if (body.length !== to + 1 - from) throw providerError('unavailable', 'ShortRange', `Azure sent ${body.length} of ${to + 1 - from} bytes.`)
      return body
    },
  }
}

interface PageList {
  readonly PageRange?: RangeElement | readonly RangeElement[]
  readonly ClearRange?: RangeElement | readonly RangeElement[]
  readonly NextMarker?: unknown
}
interface RangeElement {
  readonly Start: string
  readonly End: string
}
const listOf = (found: RangeElement | readonly RangeElement[] | undefined): readonly RangeElement[] =>
  found === undefined ? [] : 'Start' in found ? [found] : found

const codeIn = (text: string | null | undefined): string => /<Code>(\w+)<\/Code>/.exec(text ?? '')?.[1] ?? ''

function refusal(status: number, code: string): ProviderError {
  const nativeCode = code === '' ? `HTTP${status}` : code
  return providerError(kindOf(status, code), nativeCode, `Azure Storage answered ${status} (${nativeCode}).`, { httpStatus: status })
}

function kindOf(status: number, code: string): ProviderErrorKind {
  if (status === 404) return 'not_found'
  if (status === 429 || code === 'ServerBusy' || code === 'OperationTimedOut') return 'throttled'
  if (status >= 500) return 'unavailable'
  // The signature is over, or was revoked: it is opened again.
  return status === 401 || status === 403 || status === 409 ? 'conflict' : 'invalid'
}
