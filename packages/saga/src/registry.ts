import type { Saga } from './definition.ts'
import type { ClaimedOperation } from './store.ts'

/** A saga with what its steps may use, made anew for every operation. */
export interface RunnableSaga {
  readonly saga: Saga<never, unknown>
  readonly deps: (operation: ClaimedOperation) => unknown
}

/** Binds a saga to the factory of its dependencies; the types meet here, and nowhere else. */
export function runnable<Deps, Params>(saga: Saga<Deps, Params>, deps: (operation: ClaimedOperation) => Deps | Promise<Deps>): RunnableSaga {
  return { saga: saga as unknown as Saga<never, unknown>, deps }
}

export interface Registry {
  readonly names: readonly string[]
  find(name: string, version: number): RunnableSaga | undefined
  versions(name: string): readonly number[]
}

/** By name and version: an operation is continued by the definition it began with. Throws when one is given twice. */
export function createRegistry(sagas: readonly RunnableSaga[]): Registry {
  const byKey = new Map<string, RunnableSaga>()
  const key = (name: string, version: number): string => `${name}@${version}`
  for (const entry of sagas) {
    const { name, version } = entry.saga
    if (byKey.has(key(name, version))) throw new Error(`saga ${name} version ${version} is registered twice`)
    byKey.set(key(name, version), entry)
  }
  return {
    names: [...new Set(sagas.map((entry) => entry.saga.name))],
    find: (name, version) => byKey.get(key(name, version)),
    versions: (name) => sagas.filter((entry) => entry.saga.name === name).map((entry) => entry.saga.version),
  }
}
