import { seededRandom } from '@understudy/core'
import type { LearnedModel } from '@understudy/forecast/learned'
import { featureNames, localLevels } from '@understudy/forecast/learned'
import { binned, boostQuantiles } from './boost.ts'
import type { Lessons } from './rows.ts'

const settings = { trees: 50, rate: 0.2 }

/** Whose terms let what is learnt from them be given on: Alibaba's data are free for research and study. */
export const isShared = ({ source }: Lessons): boolean => !source.startsWith('alibaba')

/** Learns from some sources: of each row as much as of another of its source, and of a source by the root of its rows. */
export function learn(lessons: readonly Lessons[], boosting = settings): LearnedModel {
  const rows = lessons.reduce((sum, lesson) => sum + lesson.rows, 0)
  const joined = (of: (lesson: Lessons) => Float64Array): Float64Array => Float64Array.from(lessons.flatMap((lesson) => [...of(lesson)]))
  const features = binned(featureNames.map((_, feature) => Int32Array.from(lessons.flatMap(({ columns }) => [...columns[feature]!]))))
  const targets = joined(({ targets }) => targets)
  const weights = joined((lesson) => new Float64Array(lesson.rows).fill(lesson.rows ** -0.5))
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / rows
  return boostQuantiles(
    features,
    targets,
    weights.map((weight) => weight / mean),
    Object.values(localLevels),
    { ...boosting, random: seededRandom(1) },
  )
}
