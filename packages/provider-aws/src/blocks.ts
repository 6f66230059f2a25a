import type { ListChangedBlocksResponse, ListSnapshotBlocksResponse } from '@aws-sdk/client-ebs'
import { isProviderError, providerError } from '@understudy/provider'
import type { Block, BlockPage, Blocks } from '@understudy/provider'
import { createHash } from 'node:crypto'
import type { Adapter } from './adapter.ts'

/** The service's own, for every snapshot: https://docs.aws.amazon.com/ebs/latest/APIReference/API_GetSnapshotBlock.html */
export const blockBytes = 512 * 1024
const gibibyte = 1024 ** 3
/** The most that a page may be asked for; the least is 100. */
const pageMax = 10_000

/** The EBS direct APIs. Nothing has to be opened: whoever may read a snapshot may read it at any time. */
export function awsBlocks(adapter: Adapter): Blocks {
  return {
    open: async () => undefined,
    close: async () => undefined,
    list: (snapshot, { from, since, signal }) => list(adapter, { snapshotId: snapshot.nativeId, sinceId: since?.nativeId, from, signal }),
    read: (snapshot, block, { signal } = {}) => read(adapter, snapshot.nativeId, block, signal),
  }
}

/** How many bytes of a snapshot are in blocks that differ from those of another one: no token is used, and no block read. */
export async function changedBytes(adapter: Adapter, snapshotId: string, sinceId: string): Promise<number | 'unrelated'> {
  let bytes = 0
  for (let from: number | undefined = 0; from !== undefined;) {
    const page: BlockPage | 'unrelated' = await list(adapter, { snapshotId, sinceId, from, signal: undefined })
    if (page === 'unrelated') return page
    bytes += page.blocks.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
    from = page.next
  }
  return bytes
}

interface Asked {
  readonly snapshotId: string
  readonly sinceId: string | undefined
  readonly from: number
  readonly signal: AbortSignal | undefined
}

/** A page may be empty and not the last: it is asked on until something is found. Its tokens are good for an hour, so none is handed out. */
async function list({ calls }: Adapter, { snapshotId, sinceId, from, signal }: Asked): Promise<BlockPage | 'unrelated'> {
  let token: string | undefined
  try {
    for (;;) {
      const paged = { MaxResults: pageMax, ...(token === undefined ? { StartingBlockIndex: from } : { NextToken: token }) }
      const answer =
        sinceId === undefined
          ? await calls.listSnapshotBlocks({ SnapshotId: snapshotId, ...paged }, signal)
          : await calls.listChangedBlocks({ FirstSnapshotId: sinceId, SecondSnapshotId: snapshotId, ...paged }, signal)
      const blocks = blocksIn(answer)
      token = answer.NextToken === '' ? undefined : answer.NextToken
      if (blocks.length === 0 && token !== undefined) continue
      const last = blocks.at(-1)?.index
      return {
        sizeBytes: (answer.VolumeSize ?? 0) * gibibyte,
        blocks,
        ...(token === undefined || last === undefined ? {} : { next: last + 1 }),
      }
    }
  } catch (error) {
    if (isProviderError(error, 'invalid') && error.shape.nativeCode.endsWith('.UNRELATED_SNAPSHOTS')) return 'unrelated'
    // What is not complete yet is no mistake of the caller's.
    if (isProviderError(error, 'invalid') && error.shape.nativeCode.endsWith('.INVALID_SNAPSHOT_ID')) throw notComplete(snapshotId, error)
    throw error
  }
}

const notComplete = (snapshotId: string, cause: unknown) =>
  providerError('conflict', 'SnapshotNotComplete', `The snapshot ${snapshotId} cannot be read (yet).`, { cause })

function blocksIn(answer: ListSnapshotBlocksResponse | ListChangedBlocksResponse): readonly Block[] {
  if ('ChangedBlocks' in answer && answer.ChangedBlocks !== undefined) {
    return answer.ChangedBlocks.map(({ BlockIndex: index = 0, SecondBlockToken: token }) =>
      token === undefined ? { index, cleared: true as const, keptBytes: 0 } : { index, token, keptBytes: blockBytes },
    )
  }
  const { Blocks: blocks = [] } = answer as ListSnapshotBlocksResponse // the other one has no such member
  return blocks.map(({ BlockIndex: index = 0, BlockToken: token }) => ({
    ...{ index, keptBytes: blockBytes },
    ...(token === undefined ? {} : { token }),
  }))
}

async function read(
  { calls }: Adapter,
  snapshotId: string,
  { index, token }: Pick<Block, 'index' | 'token'>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const input = { SnapshotId: snapshotId, BlockIndex: index, BlockToken: token }
  const { bytes, checksum, algorithm, length } = await calls.getSnapshotBlock(input, signal)
  if (algorithm === 'SHA256' && checksum !== createHash('sha256').update(bytes).digest('base64')) {
    throw providerError('conflict', 'ChecksumMismatch', `EBS sent other bytes of block ${index} of ${snapshotId} than it says it has.`)
  }
  if (length !== undefined && length !== bytes.length) {
    throw providerError('unavailable', 'ShortBlock', `EBS sent ${bytes.length} of the ${length} bytes of block ${index} of ${snapshotId}.`)
  }
  return bytes
}
