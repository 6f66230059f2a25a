import type { Call, Route } from './call.ts'

/** A route that changes something. A request id that has been seen is answered with the operation that it began. */
export function change(operation: string, run: (call: Call) => object): Route {
  return { operation, run: (call) => call.project.operations.known(call.requestId) ?? run(call) }
}
