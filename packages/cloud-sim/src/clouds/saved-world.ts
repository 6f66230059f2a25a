import { systemClock } from '@understudy/core'
import { deserialize, serialize } from 'node:v8'
import { loadState, StateFile } from '../control/state-file.ts'
import type { DataPlane, DataPlaneState } from '../data-plane/data-plane.ts'

/** What a cloud has left: its records, and what its data plane remembers. */
interface Saved<World> {
  readonly world: World
  readonly dataPlane: DataPlaneState
}

/** What a former process has saved, or undefined. */
export async function loadWorld<World>(directory: string | undefined): Promise<Saved<World> | undefined> {
  const file = directory === undefined ? undefined : await loadState(directory)
  // Records refer to one another, which JSON would not keep.
  return file === undefined ? undefined : (deserialize(Buffer.from(String(file['graph']), 'base64')) as Saved<World>) // our own file
}

/** Writes a cloud's state soon after each change of it. */
export function keepWorld<World>(options: {
  readonly directory: string | undefined
  readonly world: () => World
  readonly dataPlane: DataPlane
  readonly onError: (error: unknown) => void
}): { touch(): void; close(): Promise<void> } {
  const { directory, world, dataPlane, onError } = options
  if (directory === undefined) return { touch: () => undefined, close: () => Promise.resolve() }
  const snapshot = () => {
    const saved: Saved<World> = { world: world(), dataPlane: dataPlane.state() }
    return { format: 1, graph: serialize(saved).toString('base64') }
  }
  return new StateFile({ directory, clock: systemClock(), snapshot, onError })
}
