import type { Correct } from '@understudy/forecast/learned'
import { correctBy } from '@understudy/forecast/learned'
import { lessonsOf } from './rows.ts'
import { isShared, learn } from './train.ts'

/** For each source a correction that was learnt from all the others that the shipped one is learnt from. */
export async function learntFromOthers(directory: string): Promise<(source: string) => Correct | undefined> {
  const lessons = await lessonsOf(directory)
  const models = new Map(
    lessons.map(({ source }) => [source, correctBy(learn(lessons.filter((lesson) => isShared(lesson) && lesson.source !== source)))] as const),
  )
  return (source) => models.get(source)
}
