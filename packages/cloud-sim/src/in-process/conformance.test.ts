import { describeConformance } from '@understudy/provider/conformance'
import { simWorld } from './sim-world.ts'

describeConformance('the in-process provider', async () => simWorld())
describeConformance('the in-process provider over an eventually consistent region', async () =>
  simWorld({
    consistency: { visibleAfter: { minMs: 500, maxMs: 5_000 }, staleFor: 3_000 },
    latencies: { listenerPropagation: { minMs: 200, maxMs: 1_000 } },
  }),
)
