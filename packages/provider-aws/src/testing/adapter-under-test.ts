import { seededRandom, systemClock } from '@understudy/core'
import type { Clock } from '@understudy/core'
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
