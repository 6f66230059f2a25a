import { seededRandom, systemClock } from '@understudy/core'
import type { Clock, VirtualClock } from '@understudy/core'
import type { CallContext, InstanceRef } from '@understudy/provider'
import { createHash } from 'node:crypto'
import { createAwsProvider } from '../aws-provider.ts'
import type { AwsSettings } from '../settings.ts'

const account = '123456789012'
const region = 'eu-west-1'

/** The adapter against an endpoint on loopback. */
export const adapterAgainst = (endpoint: string, more: Partial<AwsSettings> & { readonly clock?: Clock } = {}) =>
  createAwsProvider({
    scope: { account, region },
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    endpoint,
    installation: 'test',
    clock: systemClock(),
    random: seededRandom(1),
    ...more,
  })

export const refTo = (nativeId: string): InstanceRef => ({ provider: 'aws', account, region, nativeId })

export const contextOf = (name: string, more: Partial<CallContext> = {}): CallContext => ({
  idempotencyKey: createHash('sha256').update(name).digest('hex').slice(0, 32),
  tags: { 'understudy:role': 'shadow' },
  actor: 'test',
  priority: 'background',
  ...more,
})

/** Resolves or rejects as `work` does; whenever it waits on the clock, the clock jumps to that moment. Real requests go on meanwhile. */
export async function letTimePass<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let done = false
  const settled = work.finally(() => (done = true))
  settled.catch(() => undefined) // awaited below
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.advanceToNext()
  }
  return await settled
}

/** XML of one instance, as DescribeInstances has it. */
export const instanceXml = (nativeId: string, more = ''): string =>
  `<item><instanceId>${nativeId}</instanceId><imageId>ami-1</imageId><instanceType>m7i.large</instanceType><instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-01-01T00:00:00.000Z</launchTime><placement><availabilityZone>eu-west-1a</availabilityZone></placement>${more}</item>`
export const instancesXml = (items: string, nextToken = ''): string =>
  `<reservationSet><item><reservationId>r-1</reservationId><instancesSet>${items}</instancesSet></item></reservationSet>${nextToken === '' ? '' : `<nextToken>${nextToken}</nextToken>`}`
