import { createHash } from 'node:crypto'
import { blockBytes as storeBlockBytes } from '../../datacentre/block-store-layers.ts'
import type { DataCentre } from '../../datacentre/datacentre.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { Snapshot } from '../../datacentre/types.ts'
import type { Reply } from '../responses.ts'
import { invalid } from './ebs-error.ts'
import { blockToken, checkBlockToken, pageToken, readPageToken } from './tokens.ts'

/** The service's own: https://docs.aws.amazon.com/ebs/latest/APIReference/API_GetSnapshotBlock.html */
const blockBytes = 512 * 1024
const gibibyte = 1024 ** 3
/** How many blocks of a disk one page looks at: a page of a disk that is mostly empty may have nothing, and a token for the next. */
const lookedAtMax = 65_536

export interface EbsCall {
  readonly dataCentre: DataCentre
  /** Of the path. */
  readonly snapshotId: string
  readonly index: number
  readonly query: URLSearchParams
}
interface EbsRoute {
  readonly action: string
  readonly pattern: RegExp
  readonly run: (call: EbsCall) => Reply
}

/** Reading of snapshots. Writing (StartSnapshot and what follows) is not here. */
const routes: readonly EbsRoute[] = [
  { action: 'GetSnapshotBlock', pattern: /^\/snapshots\/([^/]+)\/blocks\/(\d+)$/, run: getBlock },
  { action: 'ListSnapshotBlocks', pattern: /^\/snapshots\/([^/]+)\/blocks$/, run: listBlocks },
  { action: 'ListChangedBlocks', pattern: /^\/snapshots\/([^/]+)\/changedblocks$/, run: listChanged },
]

/** Which call a path is, before anybody looks at what it asks for. */
export function ebsRouteOf(method: string, url: string): { readonly action: string; readonly run: (dataCentre: DataCentre) => Reply } {
  const [path = '', query = ''] = url.split('?')
  for (const { action, pattern, run } of method === 'GET' ? routes : []) {
    const found = pattern.exec(path)
    if (found === null) continue
    const [, snapshotId = '', index = '0'] = found
    return { action, run: (dataCentre) => run({ dataCentre, snapshotId, index: Number(index), query: new URLSearchParams(query) }) }
  }
  throw new SimError('UnknownOperationException', `There is no ${method} ${path}.`, 404)
}

/** In blocks of the service: `FullSnapshotSizeInBytes` of EC2. */
export const fullSizeOf = ({ blocks }: DataCentre, snapshotId: string): number => indexes(blocks.written(snapshotId)).length * blockBytes

function listBlocks({ dataCentre, snapshotId, query }: EbsCall): Reply {
  const snapshot = completed(dataCentre, snapshotId)
  const present = indexes(dataCentre.blocks.written(snapshotId))
  const { found, rest } = page(dataCentre, query, snapshot, { of: snapshotId, all: present })
  return json({
    Blocks: found.map((index) => ({ BlockIndex: index, BlockToken: blockToken(snapshotId, index, dataCentre.now()) })),
    ...rest,
  })
}

function listChanged({ dataCentre, snapshotId, query }: EbsCall): Reply {
  const second = completed(dataCentre, snapshotId)
  const firstId = query.get('firstSnapshotId')
  if (firstId === null) throw invalid('INVALID_PARAMETER_VALUE', 'The first snapshot is missing.') // the service would compare with nothing; nobody here asks it to
  completed(dataCentre, firstId)
  const differing = dataCentre.blocks.differing(firstId, snapshotId)
  if (differing === undefined)
    throw invalid('UNRELATED_SNAPSHOTS', `The specified snapshots (${firstId} and ${snapshotId}) are not from the same volume lineage.`)
  const { found, rest } = page(dataCentre, query, second, { of: `${firstId}>${snapshotId}`, all: indexes(differing) })
  const [inFirst, inSecond] = [firstId, snapshotId].map((id) => new Set(indexes(dataCentre.blocks.written(id))))
  const token = (present: ReadonlySet<number> | undefined, of: string, index: number) =>
    present?.has(index) === true ? blockToken(of, index, dataCentre.now()) : undefined
  return json({
    ChangedBlocks: found.map((index) => ({
      BlockIndex: index,
      FirstBlockToken: token(inFirst, firstId, index),
      SecondBlockToken: token(inSecond, snapshotId, index),
    })),
    ...rest,
  })
}

function getBlock({ dataCentre, snapshotId, index, query }: EbsCall): Reply {
  const { sizeGiB } = completed(dataCentre, snapshotId)
  checkBlockToken(query.get('blockToken') ?? '', snapshotId, index, dataCentre.now())
  const offset = index * blockBytes
  if (offset >= sizeGiB * gibibyte) throw invalid('INVALID_BLOCK', 'The block is outside of the snapshot.')
  const body = dataCentre.blocks.read(snapshotId, offset, Math.min(blockBytes, sizeGiB * gibibyte - offset))
  return {
    status: 200,
    contentType: 'application/octet-stream',
    body,
    headers: {
      'x-amz-data-length': String(body.length),
      'x-amz-checksum': createHash('sha256').update(body).digest('base64'),
      'x-amz-checksum-algorithm': 'SHA256',
    },
  }
}

function completed(dataCentre: DataCentre, snapshotId: string): Snapshot {
  const [snapshot] = dataCentre.storage.describeSnapshots({ ids: [snapshotId] }).items
  if (snapshot?.state !== 'completed') throw invalid('INVALID_SNAPSHOT_ID', `The snapshot '${snapshotId}' is not in the completed state.`)
  return snapshot
}

function page(
  dataCentre: DataCentre,
  query: URLSearchParams,
  { sizeGiB }: Snapshot,
  { of, all }: { readonly of: string; readonly all: readonly number[] },
): { readonly found: readonly number[]; readonly rest: object } {
  const maxResults = Number(query.get('maxResults') ?? 10_000)
  if (!Number.isInteger(maxResults) || maxResults < 100 || maxResults > 10_000)
    throw invalid('INVALID_PARAMETER_VALUE', `Value ${maxResults} for MaxResults is not valid: it must be between 100 and 10000.`)
  const token = query.get('pageToken')
  const from = token === null ? Number(query.get('startingBlockIndex') ?? 0) : readPageToken(token, of, dataCentre.now())
  const found = all.filter((index) => index >= from && index < from + lookedAtMax).slice(0, maxResults)
  const last = found.length === maxResults ? (found.at(-1) ?? 0) + 1 : from + lookedAtMax
  return {
    found,
    rest: {
      ExpiryTime: (dataCentre.now() + 7 * 86_400_000) / 1000,
      VolumeSize: sizeGiB,
      BlockSize: blockBytes,
      ...(last * blockBytes < sizeGiB * gibibyte ? { NextToken: pageToken(of, last, dataCentre.now()) } : {}),
    },
  }
}

/** Of this service's blocks, from the store's smaller ones. */
const indexes = (blocks: readonly number[]): number[] => [...new Set(blocks.map((block) => Math.floor((block * storeBlockBytes) / blockBytes)))]

const json = (body: object): Reply => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) })
