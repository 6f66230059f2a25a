import type { SimulatedClouds } from './simulated-clouds.ts'

/** What a client keeps of a name: where it leads, until when. */
interface Kept {
  readonly url: string
  readonly untilMs: number
}

/**
 * Follows a name as a client's resolver does: it asks, and keeps the answer for as long as the answer says. All requests that
 * come meanwhile go there, and those that come while it asks wait for it.
 */
export function nameClient(
  clouds: Pick<SimulatedClouds, 'resolve' | 'urlOf'>,
  name: string,
): { readonly target: () => Promise<string>; lookups(): number } {
  let kept: Promise<Kept> | undefined
  let untilMs = 0
  let asked = 0
  const lookUp = async (): Promise<Kept> => {
    asked += 1
    const { address, ttlSeconds } = await clouds.resolve(name)
    return { url: await clouds.urlOf(address), untilMs: performance.now() + ttlSeconds * 1000 }
  }
  return {
    lookups: () => asked,
    async target() {
      if (kept === undefined || untilMs <= performance.now()) {
        untilMs = Number.POSITIVE_INFINITY
        kept = lookUp()
        kept.then(
          (found) => (untilMs = found.untilMs),
          () => (untilMs = 0),
        )
      }
      return (await kept).url
    },
  }
}
