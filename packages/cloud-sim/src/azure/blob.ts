import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { blockBytes } from '../datacentre/block-store-layers.ts'
import type { ArmWorld } from './call.ts'
import type { AccessRecord } from './state.ts'

const gibibyte = 1024 ** 3
/** A fixed VHD ends with it. */
const footerBytes = 512
const pagesMax = 10_000
/** The most that may be asked for with its MD5. */
const hashedMax = 4 * 1024 ** 2
/** The first version that knows of `x-ms-previous-snapshot-url`, and the first that pages lists of ranges. */
const [firstDiff, firstPaged] = ['2019-07-07', '2020-10-02']

export const blobName = (id: string): string => `md-${id.replaceAll('-', '').slice(0, 12)}`
export const isBlob = (url: string | undefined): boolean => /^\/md-\w+\/abcd\?/.test(url ?? '')

class BlobError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** A snapshot, or a restore point of a disk, as a page blob, to whoever has its address: its bytes, its ranges, and those that differ from another one's. */
export function answerBlob(world: ArmWorld, request: IncomingMessage, response: ServerResponse): void {
  const common = { 'x-ms-version': header(request, 'x-ms-version') ?? '', 'x-ms-request-id': world.state.newId() }
  try {
    const url = new URL(request.url ?? '/', 'https://blob')
    if (request.method !== 'GET') throw new BlobError(405, 'UnsupportedHttpVerb', 'The resource does not support specified Http Verb.')
    const access = admitted(world, url)
    const { headers, body, status } =
      url.searchParams.get('comp') === 'pagelist' ? pageList(world, request, url, access) : bytes(world, request, access)
    response.writeHead(status, { ...common, ...headers, 'content-length': body.length })
    response.end(body)
  } catch (error) {
    const shown = error instanceof BlobError ? error : new BlobError(500, 'InternalError', 'Server encountered an internal error.')
    const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${shown.code}</Code><Message>${shown.message}</Message></Error>`
    response.writeHead(shown.status, { ...common, 'content-type': 'application/xml', 'x-ms-error-code': shown.code })
    response.end(body)
  }
}

function admitted({ state, dataCentre }: ArmWorld, url: URL): AccessRecord {
  const access = state.accesses.get(url.pathname.split('/')[1] ?? '')
  const isGood = access !== undefined && access.signature === url.searchParams.get('sig') && access.expiresAtMs > dataCentre.now()
  if (!isGood) throw new BlobError(403, 'AuthenticationFailed', 'Server failed to authenticate the request.')
  if (dataCentre.storage.getSnapshot(access.snapshotId) === undefined) throw new BlobError(404, 'BlobNotFound', 'The specified blob does not exist.')
  return access
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

function bytes({ dataCentre }: ArmWorld, request: IncomingMessage, { snapshotId }: AccessRecord): Answer {
  const size = (dataCentre.storage.getSnapshot(snapshotId)?.sizeGiB ?? 0) * gibibyte
  const range = rangeOf(request)
  if (range === undefined) throw new BlobError(400, 'InvalidHeaderValue', 'Nobody reads a whole disk here: ask for a range.')
  const [from, to] = [range.from, Math.min(range.to, size + footerBytes - 1)]
  if (from > to) throw new BlobError(416, 'InvalidRange', 'The range specified is invalid for the current size of the resource.')
  const ofDisk = Math.max(0, Math.min(size, to + 1) - from)
  const body = Buffer.concat([
    Buffer.from(dataCentre.blocks.read(snapshotId, Math.min(from, size - ofDisk), ofDisk)),
    Buffer.alloc(to + 1 - from - ofDisk),
  ])
  const wantsHash = header(request, 'x-ms-range-get-content-md5') === 'true'
  if (wantsHash && body.length > hashedMax) throw new BlobError(400, 'OutOfRangeQueryParameterValue', 'The range is too large for its MD5.')
  return {
    status: 206,
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': `bytes ${from}-${to}/${size + footerBytes}`,
      ...(wantsHash ? { 'content-md5': createHash('md5').update(body).digest('base64') } : {}),
    },
    body,
  }
}

function pageList(world: ArmWorld, request: IncomingMessage, url: URL, { snapshotId, family }: AccessRecord): Answer {
  const { dataCentre } = world
  const size = (dataCentre.storage.getSnapshot(snapshotId)?.sizeGiB ?? 0) * gibibyte
  const range = rangeOf(request) ?? { from: 0, to: size + footerBytes - 1 }
  const before = previous(world, request)
  const written = new Set(dataCentre.blocks.written(snapshotId))
  const differing =
    before === undefined ? [...written] : before.family === family ? dataCentre.blocks.differing(before.snapshotId, snapshotId) : undefined
  if (differing === undefined) throw new BlobError(409, 'PreviousSnapshotNotFound', 'The previous snapshot is not found.')
  const isPaged = (header(request, 'x-ms-version') ?? '') >= firstPaged
  const limit = isPaged ? Math.min(pagesMax, Number(url.searchParams.get('maxresults') ?? pagesMax)) : Number.POSITIVE_INFINITY
  const marker = Number(url.searchParams.get('marker') || range.from)
  const ranges = merged(differing.map((block) => ({ block, cleared: !written.has(block) }))).filter(({ to }) => to >= marker)
  const found = ranges.filter(({ from }) => from <= range.to)
  const shown = found.slice(0, limit)
  const next = found.length > limit ? (found[limit]?.from ?? 0) : undefined
  const rows = shown.map(({ from, to, cleared }) => {
    const name = cleared ? 'ClearRange' : 'PageRange'
    return `<${name}><Start>${Math.max(from, marker)}</Start><End>${Math.min(to, range.to)}</End></${name}>`
  })
  const body = `<?xml version="1.0" encoding="utf-8"?><PageList>${rows.join('')}<NextMarker>${next ?? ''}</NextMarker></PageList>`
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', 'x-ms-blob-content-length': String(size + footerBytes) },
    body: Buffer.from(body),
  }
}

/** The other one is named by an address too, which has to be as good. */
function previous(world: ArmWorld, request: IncomingMessage): AccessRecord | undefined {
  const address = header(request, 'x-ms-previous-snapshot-url')
  if (address === undefined) return undefined
  if ((header(request, 'x-ms-version') ?? '') < firstDiff)
    throw new BlobError(400, 'UnsupportedHeader', 'One of the headers specified in the request is not supported.')
  if (!URL.canParse(address)) throw new BlobError(400, 'InvalidHeaderValue', 'The value for one of the HTTP headers is not in the correct format.')
  return admitted(world, new URL(address))
}

/** Neighbours of one kind are one range. */
function merged(blocks: readonly { readonly block: number; readonly cleared: boolean }[]) {
  const ranges: { from: number; to: number; readonly cleared: boolean }[] = []
  for (const { block, cleared } of blocks) {
    const last = ranges.at(-1)
    if (last !== undefined && last.cleared === cleared && last.to + 1 === block * blockBytes) last.to += blockBytes
    else ranges.push({ from: block * blockBytes, to: (block + 1) * blockBytes - 1, cleared })
  }
  return ranges
}

function rangeOf(request: IncomingMessage): { readonly from: number; readonly to: number } | undefined {
  const text = header(request, 'x-ms-range') ?? header(request, 'range')
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(text ?? '') ?? []
  return from === undefined || to === undefined ? undefined : { from: Number(from), to: Number(to) }
}

const header = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
