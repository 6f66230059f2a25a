import { isProviderError } from '@understudy/provider'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { captured } from '@understudy/provider/conformance'
import { wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
beforeAll(async () => {
  world = await wireWorld()
})
afterAll(() => world.close())

const context = { idempotencyKey: 'a'.repeat(32), tags: {}, actor: 'test', priority: 'background' } as const
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

async function opened() {
  const set = await captured(world, await world.makePrimary())
  const { members } = (await world.provider.snapshots!.get(set))!
  const [{ snapshot }] = members as [(typeof members)[number]]
  const blocks = world.provider.blocks!
  await blocks.open([snapshot], { seconds: 86_400 }, context)
  return { snapshot, blocks, accesses: world.server.state.accesses }
}

it('has one address per disk while it is open, none afterwards, and another process has to ask for its own', { timeout: 120_000 }, async () => {
  const { snapshot, blocks, accesses } = await opened()
  expect(accesses.size).toBe(1)
  expect(await blocks.list(snapshot, { from: 0 })).toMatchObject({ sizeBytes: expect.any(Number) as number })
  const other = world.freshProvider().blocks!
  expect(await failure(other.list(snapshot, { from: 0 }))).toMatchObject({ shape: { kind: 'conflict', nativeCode: 'NotOpen' } })
  // As after a crash: whoever goes on closes what it has not opened.
  await other.close([snapshot], context)
  expect(accesses.size).toBe(0)
  const refused = await failure(blocks.list(snapshot, { from: 0 }))
  expect(isProviderError(refused, 'conflict') && refused.shape.nativeCode).toBe('AuthenticationFailed')
  await blocks.close([snapshot], context)
})

it('does not show an address in anything that is thrown', { timeout: 120_000 }, async () => {
  const { snapshot, blocks, accesses } = await opened()
  const signature = [...accesses.values()][0]!.signature // as just granted
  accesses.clear()
  const refused = await failure(blocks.read(snapshot, { index: 0 }))
  const aborted = await failure(blocks.read(snapshot, { index: 0 }, { signal: AbortSignal.abort() }))
  for (const error of [refused, aborted]) {
    const shown = inspect(error, { depth: 20, showHidden: true })
    expect(isProviderError(error)).toBe(true)
    for (const secret of [signature, encodeURIComponent(signature), 'sig=']) expect(shown).not.toContain(secret)
  }
})
