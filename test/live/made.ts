import { ownTags, sleep } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { aroundProvider, isProviderError } from '@understudy/provider'
import type { CallContext, OperationHandle, Provider } from '@understudy/provider'
import { randomUUID } from 'node:crypto'
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Written on everything, so that a person finds it too: nothing with this tag may outlive the lane. */
export const liveInstallation = 'understudy-live'
const patienceMs = 20 * 60_000

/** Notes the key of everything that is about to be made, in a file: a run that is killed is cleaned up by the next one. */
export function noting(provider: Provider, journal: string): Provider {
  const creates = new Set(['compute.provision', 'snapshots.capture', 'snapshots.materialise'])
  return aroundProvider(provider, async ({ name, context }, next) => {
    if (context !== undefined && creates.has(name)) {
      await mkdir(dirname(journal), { recursive: true })
      await appendFile(journal, `${context.idempotencyKey}\n`)
    }
    return await next()
  })
}

async function notedIn(journal: string): Promise<readonly string[]> {
  try {
    return [...new Set((await readFile(journal, 'utf8')).split('\n').filter((key) => /^[0-9a-f]{32}$/.test(key)))]
  } catch {
    return []
  }
}

/** Deletes whatever has our tag or was made under a key that was noted; throws with what is left. */
export async function deleteEverything(provider: Provider, clock: Clock, journal: string): Promise<void> {
  const left: string[] = []
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!isProviderError(error, 'not_found')) left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const instances = []
  for await (const { ref } of provider.inventory.list({ tags: { [ownTags.installation]: liveInstallation } })) instances.push(ref)
  const keys = await notedIn(journal)
  for (const key of keys) {
    const made = await provider.compute.adopt(key)
    instances.push(...made.instances)
  }
  const unique = new Map(instances.map((ref) => [ref.nativeId, ref]))
  for (const [nativeId, ref] of unique) {
    await attempt(`instance ${nativeId}`, async () => {
      await provider.labels.setProtection(ref, { terminate: false }, newContext())
      await ended(provider, clock, await provider.compute.terminate(ref, newContext()))
    })
  }
  for (const key of keys) {
    const made = await provider.compute.adopt(key)
    for (const disk of made.disks) await attempt(`disk ${disk.nativeId}`, async () => await provider.snapshots?.deleteDisk(disk, newContext()))
    // Also where there is none to be seen: a capture that was given up may have left what is not a set yet.
    await attempt(`snapshot set ${key}`, async () => await provider.snapshots?.delete({ setId: key }, newContext()))
  }
  if (left.length > 0) throw new Error(`Left in the account, to be deleted by hand or by the next run:\n  ${left.join('\n  ')}`)
  await rm(journal, { force: true })
}

/** A key of its own for each call, in this run and in all others: clouds remember keys for longer than a run takes. */
export const newContext = (tags: Readonly<Record<string, string>> = {}): CallContext => ({
  idempotencyKey: randomUUID().replaceAll('-', ''),
  tags,
  actor: 'live lane',
  priority: 'background',
})

export async function ended<Result>(provider: Provider, clock: Clock, handle: OperationHandle<Result>): Promise<Result> {
  for (const untilMs = clock.nowMs() + patienceMs; clock.nowMs() < untilMs;) {
    const status = await provider.compute.poll(handle)
    if (status.phase === 'succeeded') return status.result
    if (status.phase === 'failed') throw new Error(`${handle.verb}: ${status.error.nativeCode} ${status.error.message}`)
    await sleep(clock, status.retryAfterMs ?? 1_000)
  }
  throw new Error(`${handle.verb} did not end`)
}
