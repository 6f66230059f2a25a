import { analogues } from './analogues.ts'
import { compressed } from './compressed.ts'
import { dampedProfile } from './damped-profile.ts'
import { directRidge } from './direct-ridge.ts'
import { exponentialSmoothing } from './exponential-smoothing.ts'
import { harmonic } from './harmonic.ts'
import { laggedRidge } from './lagged-ridge.ts'
import type { Member } from './member.ts'
import { recentMedian } from './recent-median.ts'
import { seasonalNaive } from './seasonal-naive.ts'
import { shrunkenArma } from './shrunken-arma.ts'

/** Every model of the engine. The first is the yardstick: it is fitted first and never left out of the scores. */
export const allMembers: readonly Member[] = [
  seasonalNaive(0),
  seasonalNaive(1),
  exponentialSmoothing,
  dampedProfile,
  shrunkenArma,
  harmonic,
  directRidge,
  laggedRidge,
  analogues,
  recentMedian(4),
  recentMedian(1),
  compressed(shrunkenArma),
  compressed(exponentialSmoothing),
  compressed(laggedRidge),
  compressed(analogues),
]
