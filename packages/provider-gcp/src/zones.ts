import type { Adapter } from './adapter.ts'

/** Zones of the region that are up, in a stable order. */
export async function regionZones({ calls, scope }: Adapter): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name, status } of calls.listZones()) if (name?.startsWith(`${scope.region}-`) === true && status === 'UP') names.push(name)
  return names.toSorted()
}
