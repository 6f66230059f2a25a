import { prepareRollback, startRollback } from '@understudy/control'
import type { Operation, RecoveryPoint, RollbackRequest } from '@understudy/control'
import { expect } from 'vitest'
import type { ScenarioName } from '../clouds/recovery-cloud.ts'
import type { Look, RecoveryWorld } from '../recovery-world.ts'

/** The point holds `then`, and the disks hold `now.`. */
export interface Prepared {
  readonly world: RecoveryWorld
  readonly point: RecoveryPoint
  readonly before: Look
  /** Whether the state of before has to have been kept, whatever becomes of the operation. */
  readonly mustBeKept: boolean
}

/** One thing that recovery does. */
export interface Scenario {
  readonly name: ScenarioName
  readonly title: string
  /** Somebody changes what the scenario sets back: before the point is kept, and after it. */
  arrange?(world: RecoveryWorld, when: 'then' | 'now'): Promise<void> | void
  /** Brings about what the scenario begins with, before it is looked at. */
  begin?(world: RecoveryWorld, point: RecoveryPoint): Promise<void>
  start(prepared: Prepared): Promise<Operation>
  /** Throws unless all of it has happened. */
  done(prepared: Prepared, operation: Operation): Promise<void> | void
  /** Throws unless nothing of it has. */
  undone(prepared: Prepared, operation: Operation): Promise<void> | void
  /** Makes the world ready for the next one. */
  cleanUp?(prepared: Prepared, operation: Operation): Promise<void>
}

/** Of a root and two data disks. */
export const disksOfOne = 3

export async function approve({ world }: Prepared, request: RollbackRequest): Promise<Operation> {
  const { planHash } = await prepareRollback(world.control, world.principal, request)
  return startRollback(world.control, world.principal, { ...request, reason: 'a crash', planHash })
}

export const pointOf = ({ world }: Prepared, id: string) => world.control.database.stores.recoveryPoints.findById(id)

/** Of a point, all snapshots that are whole. */
export function wholeSnapshots({ site, cloud }: RecoveryWorld, { manifest }: RecoveryPoint): number {
  const { storage } = cloud.dataCentre
  const ids = new Set((manifest?.disks.members ?? []).map(({ snapshot }) => site.snapshotIdOf(snapshot)))
  return [...ids].filter((id) => id !== undefined && storage.getSnapshot(id)?.state === 'completed').length
}

/** What was there before the rollback is kept, as a point like any other, in the chain. */
export async function expectSafetyPoint(prepared: Prepared, { params }: Operation): Promise<void> {
  const safety = await pointOf(prepared, (params as { safetyPointId: string }).safetyPointId)
  expect(safety, 'the safety point').toMatchObject({ status: 'usable', manifest: { parent: { point: prepared.point.id } } })
  expect(wholeSnapshots(prepared.world, safety!), 'snapshots of the safety point').toBe(disksOfOne)
  expect(prepared.world.look().snapshots, 'snapshots in the cloud').toBe(prepared.before.snapshots + disksOfOne)
}

/** Nothing has changed, and what was kept of now is whole, or nothing of it is there; it must be whole once more than that was begun. */
export async function expectUntouched(prepared: Prepared, operation: Operation): Promise<void> {
  const { before, world, mustBeKept } = prepared
  const { snapshots, ...now } = world.look()
  expect(now).toEqual({ ...before, snapshots: undefined })
  const safety = await pointOf(prepared, (operation.params as { safetyPointId: string }).safetyPointId)
  expect(safety?.status, 'the safety point').toBeOneOf(mustBeKept ? ['usable'] : ['usable', 'failed'])
  if (safety?.status === 'usable') return expectSafetyPoint(prepared, operation)
  expect(snapshots, 'snapshots in the cloud').toBe(before.snapshots)
}
