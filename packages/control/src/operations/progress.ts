import { assert } from '@understudy/core'
import { foldLog } from '@understudy/saga'
import type { FoldedLog } from '@understudy/saga'
import type { Operation, Timeline } from './operation.ts'
import { sagaDefinitions } from './saga-definitions.ts'

/** How far an operation has come, from its log. */
export function progressOf(operation: Pick<Operation, 'id' | 'kind' | 'version'>, timeline: Timeline): FoldedLog {
  const definition = sagaDefinitions.find(({ name, version }) => name === operation.kind && version === operation.version)
  assert(definition !== undefined, `a saga ${operation.kind} of version ${operation.version} is defined`)
  return foldLog(definition, timeline.events, { operationId: operation.id })
}
