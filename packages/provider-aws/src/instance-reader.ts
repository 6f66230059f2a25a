import type { Instance } from '@aws-sdk/client-ec2'
import type { Clock } from '@understudy/core'
import type { AwsCalls } from './clients.ts'
import { batchWindowMs, coalesce } from './coalesce.ts'

/** EC2's limit of values in one filter. */
const maxFilterValues = 200
const pageSize = 1000

/** Instances as EC2 describes them; simultaneous questions become one call. */
export interface InstanceReader {
  one(nativeId: string): Promise<Instance | undefined>
  many(nativeIds: readonly string[]): Promise<ReadonlyMap<string, Instance>>
}

/**
 * Asks by the filter `instance-id` and not by `InstanceIds`: an id unknown to EC2 is then left out, and does not fail the
 * question for the other 199; and a filtered, paged describe has the larger of EC2's two token buckets.
 */
export function instanceReader(calls: Pick<AwsCalls, 'describeInstances'>, clock: Clock): InstanceReader {
  const one = coalesce<string, Instance | undefined>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxFilterValues,
    async run(nativeIds) {
      const found = new Map<string, Instance>()
      const filter = { Name: 'instance-id', Values: [...new Set(nativeIds)] }
      for await (const instance of pagesOfInstances(calls, [filter])) found.set(instance.InstanceId ?? '', instance)
      return nativeIds.map((nativeId) => found.get(nativeId))
    },
  })
  return {
    one: (nativeId) => one(nativeId, { urgent: true }),
    async many(nativeIds) {
      const unique = [...new Set(nativeIds)]
      const found = await Promise.all(unique.map((nativeId) => one(nativeId, { urgent: true })))
      return new Map(found.flatMap((instance) => (instance?.InstanceId === undefined ? [] : [[instance.InstanceId, instance] as const])))
    },
  }
}

/** All instances that match, page by page; never `InstanceIds` together with `MaxResults`, which EC2 refuses. */
export async function* pagesOfInstances(
  calls: Pick<AwsCalls, 'describeInstances'>,
  filters: readonly { readonly Name: string; readonly Values: readonly string[] }[],
): AsyncGenerator<Instance> {
  let nextToken: string | undefined
  do {
    const page = await calls.describeInstances({
      Filters: filters.map(({ Name, Values }) => ({ Name, Values: [...Values] })),
      MaxResults: pageSize,
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    })
    for (const reservation of page.Reservations ?? []) yield* reservation.Instances ?? []
    nextToken = page.NextToken === '' ? undefined : page.NextToken
  } while (nextToken !== undefined)
}
