import { aws } from './aws.ts'
import { azure } from './azure.ts'
import type { Cloud } from './cloud.ts'
import { google } from './google.ts'

export const clouds: readonly Cloud[] = [aws, azure, google]

/** Which clouds the world of a seed has accounts of: one of them in turn, and all of them in every fourth world. */
export function cloudsOf(seed: number): readonly Cloud[] {
  const one = clouds[seed % (clouds.length + 1)]
  return one === undefined ? clouds : [one]
}

/** One by its name, `all` of them in each world, or, for `undefined`, as the seed says. */
export function cloudsNamed(name: string | undefined): ((seed: number) => readonly Cloud[]) | undefined {
  if (name === undefined) return cloudsOf
  if (name === 'all') return () => clouds
  const one = clouds.find((cloud) => cloud.name === name)
  return one && (() => [one])
}
