import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTraces } from './spot-traces.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-traces-'))
})
afterEach(async () => rm(folder, { recursive: true }))

async function write(name: string, data: unknown, gapSeconds: unknown = 195): Promise<void> {
  await writeFile(join(folder, name), JSON.stringify({ metadata: { gap_seconds: gapSeconds }, data }))
}

test('pools are the files in the order of their names, ticks the rows, cut to the shortest', async () => {
  await write('us-west-2b_p3.2xlarge.json', [1, 1, 0, 1])
  await write('us-central1-a_c3_88.json', [0, 1, 1])
  const trace = await readTraces(folder)
  expect(trace.pools).toEqual([
    { zone: 'us-central1-a', region: 'us-central1', type: 'c3_88' },
    { zone: 'us-west-2b', region: 'us-west-2', type: 'p3.2xlarge' },
  ])
  expect(trace).toMatchObject({ tickSeconds: 195, startSeconds: 0 })
  expect([...trace.up]).toEqual([0, 1, 1, 1, 1, 0])
})

test('a pool of several machines is up where all that were ever seen at once could be had', async () => {
  await write('us-east-2a_p3.json', [16, 15, 0, 16])
  await write('us-east-2b_p3.json', [0, 0, 0, 0])
  const { up } = await readTraces(folder)
  expect([...up]).toEqual([1, 0, 0, 0, 0, 0, 1, 0])
})

test.each([
  ['one trace alone', [['us-east-1a_t.json', [1], 195]], /holds 1 traces/],
  [
    'ticks that differ',
    [
      ['us-east-1a_t.json', [1], 195],
      ['us-east-1b_t.json', [1], 32],
    ],
    /tick of 32 s/,
  ],
  [
    'a tick of nothing',
    [
      ['us-east-1a_t.json', [1], 0],
      ['us-east-1b_t.json', [1], 195],
    ],
    /gap_seconds must be/,
  ],
  [
    'half a machine',
    [
      ['us-east-1a_t.json', [0.5], 195],
      ['us-east-1b_t.json', [1], 195],
    ],
    /data must be/,
  ],
] as const)('%s is refused with what is wrong', async (_name, files, message) => {
  for (const [name, data, gapSeconds] of files) await write(name, data, gapSeconds)
  await expect(readTraces(folder)).rejects.toThrow(message)
})
