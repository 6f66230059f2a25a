import { describe } from 'vitest'
import { crashMatrix } from './crash-matrix.ts'
import { hotTier } from './crash-world.ts'

describe('a failover to a running shadow, with the queue on PostgreSQL', () => {
  crashMatrix({
    backend: 'postgres',
    tier: hotTier,
    changes: ['ModifyListener', 'CreateTags', 'DeregisterTargets', 'TerminateInstances', 'CreateTags', 'DeleteTags', 'CreateTags'],
  })
})
