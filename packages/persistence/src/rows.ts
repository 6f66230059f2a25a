import { AppError, notFound } from '@understudy/core'

/** Our types say `undefined` where a column is null. */
export const optional = <T>(value: T | null): T | undefined => value ?? undefined

/** Keyset of a list in the order of ids. */
export const afterId = (after: string | undefined): { id?: { gt: string } } => (after === undefined ? {} : { id: { gt: after } })

/** Keyset of a list of the newest first: what stands behind `last`. Its order is `newestFirst`. */
export const behind = (last: { readonly id: string; readonly createdAt: Date } | null) =>
  last === null ? {} : { OR: [{ createdAt: { lt: last.createdAt } }, { createdAt: last.createdAt, id: { lt: last.id } }] }

export const newestFirst: { createdAt?: 'desc'; id?: 'desc' }[] = [{ createdAt: 'desc' }, { id: 'desc' }]

/**
 * What a compare-and-swap that changed `count` rows means. `exists` looks whether the row is there at all, so that a lost race and a
 * row that is gone are told apart.
 */
export async function swapped(count: number, noun: string, exists: () => Promise<unknown>): Promise<void> {
  if (count > 0) return
  if ((await exists()) === null) throw notFound(noun)
  throw new AppError('precondition_failed', 'It has changed since you read it. Read it again and repeat with its new version.')
}
