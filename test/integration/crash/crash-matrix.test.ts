import { testRedisUrl } from '@understudy/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { crashMatrix } from './crash-matrix.ts'
import { coldTier, hotTier, parkedTier } from './crash-world.ts'

const behindTheShift = ['CreateTags', 'DeregisterTargets', 'TerminateInstances', 'CreateTags', 'DeleteTags', 'CreateTags']
const toRunning = { tier: hotTier, changes: ['ModifyListener', ...behindTheShift] }

// From the shift of the traffic on the others are the failover to a running shadow, which is killed at every change.
const matrices = {
  'a failover to a running shadow, with the queue on PostgreSQL': crashMatrix({ ...toRunning, backend: 'postgres' }),
  'a failover to a running shadow, with the queue on Redis': crashMatrix({ ...toRunning, backend: 'redis' }),
  'a failover to a parked shadow': crashMatrix({
    backend: 'postgres',
    tier: parkedTier,
    changes: ['StartInstances', 'RegisterTargets', 'ModifyListener', ...behindTheShift],
    dieAtFirst: 3,
  }),
  'a failover without an instance that could take over': crashMatrix({
    backend: 'postgres',
    tier: coldTier,
    changes: ['CreateSnapshots', 'RunInstances', 'RegisterTargets', 'ModifyListener', ...behindTheShift],
    dieAtFirst: 4,
  }),
}
const isPossible = (name: string): boolean => !name.includes('Redis') || testRedisUrl() !== undefined

// All at once, for most of the time is spent waiting for leases to run out and for processes to start.
beforeAll(() => {
  for (const [name, matrix] of Object.entries(matrices)) if (isPossible(name)) matrix.start()
})
afterAll(() => Promise.all(Object.values(matrices).map((matrix) => matrix.close())), 300_000)

for (const [name, matrix] of Object.entries(matrices)) {
  describe.skipIf(!isPossible(name))(`${name} comes to a good end`, () => {
    for (const { sentence, outcome } of matrix.cases) test(sentence, outcome, 900_000)
  })
}
