import type { Provider } from '../../provider.ts'
import type { CallContext, InstanceRef } from '../../refs.ts'

/** A provider whose every answer a test gives: what is not given fails as a bug would. */
export function fakeProvider(answers: Partial<Record<string, (...args: never[]) => unknown>>): Provider {
  const bucket = { capacity: 10, refillPerSecond: 1 }
  const limits = { read: bucket, mutate: bucket, launch: bucket, start: bucket, snapshot: bucket, tag: bucket, traffic: bucket, blocks: bucket }
  const capability = (name: string): object =>
    Object.fromEntries(Object.entries(answers).flatMap(([key, answer]) => (key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), answer]] : [])))
  const no = { supported: false, reason: 'a fake' } as const
  return Object.freeze({
    scope: { provider: 'fake', account: '1', region: 'here' },
    traits: {
      interruptionNotice: no,
      resize: no,
      hold: no,
      rename: no,
      multiDiskSnapshot: no,
      readOnlyDisks: no,
      readSnapshots: no,
      copySnapshots: no,
      hostGroups: no,
      postponeMaintenance: no,
      commands: no,
      expectedSeconds: { launch: 1, start: 1, resume: 1, shift: 1 },
      limits,
    },
    identify: answers['identify'] ?? (async () => ({ account: '1', principal: 'me' })),
    inventory: capability('inventory'),
    compute: capability('compute'),
    labels: capability('labels'),
    ...('traffic.setWeights' in answers ? { traffic: capability('traffic') } : {}),
    ...('signals.parse' in answers ? { signals: capability('signals') } : {}),
    close: async () => undefined,
  }) as unknown as Provider // its capabilities hold what the test needs, not all they could
}

export const contextWith = (priority: CallContext['priority'], signal?: AbortSignal): CallContext => ({
  idempotencyKey: '0'.repeat(32),
  tags: {},
  actor: 'test',
  priority,
  ...(signal === undefined ? {} : { signal }),
})

export const someRef: InstanceRef = { provider: 'fake', account: '1', region: 'here', nativeId: 'i-1' }
