import { describeConformance } from '@understudy/provider/conformance'
import { wireWorld } from './testing/wire-world.ts'

describeConformance('the AWS adapter over the wire', wireWorld)

describeConformance('the AWS adapter over the wire, to a region that shows things late', () =>
  wireWorld({ consistency: { visibleAfter: { minMs: 0, maxMs: 4_000 }, staleFor: { minMs: 0, maxMs: 3_000 } } }),
)
