import { planRollback } from '../recovery/rollback-plan.ts'
import { rollbackSaga } from '../recovery/rollback.saga.ts'
import type { RecoveryPoint } from '../recovery/recovery-point.ts'
import { redactDna } from '../resources/redact.ts'
import { insertPoint } from './kept-point.ts'
import type { LawBench } from './law-bench.ts'
import type { Stage } from './stage.ts'

/** A rollback of the stage's primary to `point`, as it is planned and approved now; nobody has begun with it. */
export async function submitRollback(bench: LawBench, stage: Stage, point: RecoveryPoint) {
  const { resource, primary, provider, clock } = stage
  const safety = await insertPoint(stage)
  const present = redactDna((await stage.drive(provider.inventory.describe(primary)))!)
  const answer = planRollback({ resource, point, present, traits: provider.traits })
  if (!answer.ok) throw new Error(answer.reason)
  const { store, submit, read } = await bench.makeStore()
  const id = await submit({
    saga: rollbackSaga.name,
    version: rollbackSaga.version,
    params: {
      ...{ resourceId: resource.id, pointId: point.id, primary: primary.nativeId, primaryEpoch: 1 },
      ...{ planHash: answer.planHash, safetyPointId: safety.id },
    },
    createdMs: clock.nowMs(),
  })
  return { id, store, read, safety, present }
}
