import { EBSClient, GetSnapshotBlockCommand, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs'
import { startSimServer } from '@understudy/cloud-sim'
import type { SimServer } from '@understudy/cloud-sim'
import { isProviderError } from '@understudy/provider'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { adapterAgainst } from './testing/adapter-under-test.ts'
import { scriptedEndpoint } from './testing/scripted-endpoint.ts'

const blockBytes = 512 * 1024
const gibibyte = 1024 ** 3

describe('EBS direct APIs of the simulated region, asked by the SDK itself', () => {
  let server: SimServer
  let ebs: EBSClient
  beforeAll(async () => {
    server = await startSimServer({ listeners: false, latencies: { snapshot: { minMs: 1, maxMs: 1 }, volumeCreate: { minMs: 1, maxMs: 1 } } })
    ebs = new EBSClient({ endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 })
  })
  afterAll(async () => {
    ebs.destroy()
    await server.close()
  })

  async function disk(sizeGiB: number): Promise<string> {
    const { storage } = server.dataCentre
    const { volumeId } = storage.createVolume({ zone: `${server.region}a`, sizeGiB })
    await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', { timeout: 30_000 })
    return volumeId
  }
  async function snapshot(volumeId: string): Promise<string> {
    const { storage } = server.dataCentre
    const { snapshotId } = storage.createSnapshot({ volumeId })
    await vi.waitUntil(() => storage.getSnapshot(snapshotId)?.state === 'completed', { timeout: 30_000 })
    return snapshotId
  }
  const write = (volumeId: string, index: number, value: number): void =>
    server.dataCentre.blocks.write(volumeId, index * blockBytes + 5, new Uint8Array(3).fill(value))
  const list = (SnapshotId: string, more: object = {}) => ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, ...more }))
  const changed = (FirstSnapshotId: string, SecondSnapshotId: string, more: object = {}) =>
    ebs.send(new ListChangedBlocksCommand({ FirstSnapshotId, SecondSnapshotId, ...more }))

  it('list what was written, page by page, also over pages that have nothing', async () => {
    const volume = await disk(64)
    const far = (50 * gibibyte) / blockBytes
    for (let index = 0; index < 150; index++) write(volume, index, 1)
    write(volume, far, 2)
    const id = await snapshot(volume)
    const first = await list(id, { MaxResults: 100 })
    expect(first.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual(Array.from({ length: 100 }, (_, index) => index))
    expect({ size: first.VolumeSize, block: first.BlockSize }).toEqual({ size: 64, block: blockBytes })
    const second = await list(id, { MaxResults: 100, NextToken: first.NextToken })
    expect(second.Blocks?.length).toBe(50)
    const third = await list(id, { MaxResults: 100, NextToken: second.NextToken })
    expect(third.Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([far])
    expect(third.NextToken).toBeUndefined()
    const empty = await list(id, { MaxResults: 100, StartingBlockIndex: 200 })
    // Nothing in the part of the disk that one page looks at: not the end.
    expect(empty).toMatchObject({ Blocks: [], NextToken: expect.any(String) as string })
  })

  it('list what differs, and give bytes with their checksum; a silent corruption is in no list', async () => {
    const volume = await disk(8)
    write(volume, 0, 1)
    write(volume, 3, 1)
    const first = await snapshot(volume)
    write(volume, 3, 2)
    write(volume, 9, 2)
    const second = await snapshot(volume)
    const { ChangedBlocks: blocks = [] } = await changed(first, second)
    expect(blocks.map(({ BlockIndex, FirstBlockToken }) => [BlockIndex, FirstBlockToken !== undefined])).toEqual([
      [3, true],
      [9, false],
    ])
    const read = async (BlockToken: string | undefined) => {
      const answer = await ebs.send(new GetSnapshotBlockCommand({ SnapshotId: second, BlockIndex: 3, BlockToken }))
      const bytes = await answer.BlockData!.transformToByteArray()
      expect(answer).toMatchObject({ DataLength: blockBytes, ChecksumAlgorithm: 'SHA256' })
      expect(answer.Checksum).toBe(createHash('sha256').update(bytes).digest('base64'))
      return [...bytes.subarray(4, 9)]
    }
    expect(await read(blocks[0]?.SecondBlockToken)).toEqual([0, 2, 2, 2, 0])
    server.dataCentre.storage.corruptSnapshot(second, { offset: 3 * blockBytes + 6, length: 1 })
    expect(await read(blocks[0]?.SecondBlockToken)).toEqual([0, 2, 253, 2, 0])
    expect((await changed(first, second)).ChangedBlocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([3, 9])
    expect([...server.dataCentre.blocks.read(volume, 3 * blockBytes + 5, 3)]).toEqual([2, 2, 2])
  })

  it('refuse what the service refuses, by its names and reasons', async () => {
    const volume = await disk(8)
    write(volume, 0, 1)
    const id = await snapshot(volume)
    const other = await snapshot(await disk(8))
    const refusal = (work: Promise<unknown>) =>
      work.then(
        () => 'nothing',
        (error: { readonly name: string; readonly Reason?: string }) => [error.name, error.Reason],
      )
    expect(await refusal(list(id, { MaxResults: 99 }))).toEqual(['ValidationException', 'INVALID_PARAMETER_VALUE'])
    expect(await refusal(list('snap-0'))).toEqual(['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND'])
    expect(await refusal(changed(id, other))).toEqual(['ValidationException', 'UNRELATED_SNAPSHOTS'])
    const get = (BlockToken: string, BlockIndex = 0) => ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex, BlockToken }))
    expect(await refusal(get('AAAA'))).toEqual(['ValidationException', 'INVALID_BLOCK_TOKEN'])
    const token = (await list(id)).Blocks?.[0]?.BlockToken ?? ''
    expect(await refusal(get(token, 1))).toEqual(['ValidationException', 'INVALID_BLOCK_TOKEN'])
    expect(await refusal(get(token))).toBe('nothing')
    server.dataCentre.faults.failNext('GetSnapshotBlock', { kind: 'throttle' })
    expect(await refusal(get(token))).toEqual(['RequestThrottledException', 'ACCOUNT_THROTTLED'])
  })

  it('do not read a snapshot that is still being made', async () => {
    const { storage } = server.dataCentre
    const volume = await disk(8)
    server.clock.setSpeed(0.001)
    const { snapshotId } = storage.createSnapshot({ volumeId: volume })
    await expect(list(snapshotId)).rejects.toMatchObject({ name: 'ValidationException' })
    server.clock.setSpeed(1)
  })
})

describe('the adapter', () => {
  const snapshot = { provider: 'aws', account: '123456789012', region: 'eu-west-1', nativeId: 'snap-1' }

  it('does not take bytes whose checksum is another one than EBS says', async () => {
    const body = 'x'.repeat(16)
    const sum = createHash('sha256').update('y').digest('base64')
    const endpoint = await scriptedEndpoint(() => ({
      body,
      headers: { 'content-type': 'application/octet-stream', 'x-amz-data-length': '16', 'x-amz-checksum': sum, 'x-amz-checksum-algorithm': 'SHA256' },
    }))
    const provider = adapterAgainst(endpoint.url)
    const refused = await provider.blocks!.read(snapshot, { index: 4, token: 'AAAA' }).catch((error: unknown) => error)
    await provider.close()
    await endpoint.close()
    expect(isProviderError(refused, 'conflict') && refused.shape).toMatchObject({ nativeCode: 'ChecksumMismatch', retryable: false })
  })

  it('asks on when a page has nothing, and says of other lines that they are', async () => {
    const pages = [
      { ChangedBlocks: [], BlockSize: blockBytes, VolumeSize: 8, NextToken: 'a' },
      { ChangedBlocks: [{ BlockIndex: 7, FirstBlockToken: 'f' }], BlockSize: blockBytes, VolumeSize: 8, NextToken: 'b' },
    ]
    const endpoint = await scriptedEndpoint((_call, count) => {
      const page = pages[count - 1]
      if (page !== undefined) return { body: JSON.stringify(page), headers: { 'content-type': 'application/json' } }
      return {
        status: 400,
        body: JSON.stringify({ Message: 'no', Reason: 'UNRELATED_SNAPSHOTS' }),
        headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ValidationException' },
      }
    })
    const provider = adapterAgainst(endpoint.url)
    const since = { ...snapshot, nativeId: 'snap-0' }
    const page = await provider.blocks!.list(snapshot, { from: 0, since })
    const next = await provider.blocks!.list(snapshot, { from: 0, since })
    await provider.close()
    await endpoint.close()
    expect(page).toEqual({ sizeBytes: 8 * gibibyte, blocks: [{ index: 7, cleared: true, keptBytes: 0 }], next: 8 })
    expect(next).toBe('unrelated')
  })
})
