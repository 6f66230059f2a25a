import type { RouteContract } from '@understudy/contract'
import type { InjectOptions } from 'fastify'
import type { Sample } from './samples.ts'

let serial = 0

/** The request of a sample, with everything that its route demands but the key. */
export function requestOf(contract: RouteContract, sample: Sample): InjectOptions & { headers: Record<string, string> } {
  const path = contract.url.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => sample.path?.[name] ?? `missing-${name}`)
  return {
    method: contract.method,
    url: sample.query === undefined ? path : `${path}?${sample.query}`,
    headers: {
      ...(contract.access.idempotent ? { 'idempotency-key': `test-${++serial}` } : {}),
      ...(contract.access.ifMatch ? { 'if-match': sample.etag ?? '"1"' } : {}),
    },
    ...(sample.body === undefined ? {} : { payload: sample.body }),
  }
}
