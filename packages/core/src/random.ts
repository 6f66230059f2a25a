import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Randomness as a dependency: seeded in tests and simulation, `systemRandom` in production. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [min, max], both included. */
  int(min: number, max: number): number
}

/** A reproducible source: the same seed gives the same sequence on every machine. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed)
  return {
    next: () => uniformInt(generator, 0, 0x3fff_ffff) / 0x4000_0000,
    int: (min, max) => uniformInt(generator, min, max),
  }
}

/** Not reproducible and not for secrets (use `node:crypto` for those): jitter and spreading only. */
export const systemRandom: Random = {
  next: () => Math.random(),
  int: (min, max) => min + Math.floor(Math.random() * (max - min + 1)),
}

/** One item of a non-empty list. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.int(0, items.length - 1)]
  if (item === undefined) throw new RangeError('pick: the list is empty')
  return item
}
