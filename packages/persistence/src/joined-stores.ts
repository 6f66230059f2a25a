import type { Resource, Stores } from '@understudy/control'
import { moveShadows } from './shadow-moves.ts'
import type { ShadowMove } from './shadow-moves.ts'
import type { Sql } from './sql.ts'
import type { Around } from './stores.ts'
import { jsonText } from './stored-json.ts'
import type { Outcome } from './write-batcher.ts'
import { WriteBatcher } from './write-batcher.ts'

interface StatusChange {
  readonly id: string
  readonly status: Resource['status']
  readonly at: Date
}

/** A question by primary key needs a fraction of a millisecond, so that many together are still quick. */
const batchMax = 500

/**
 * The small questions and changes with which the steps of every operation begin, joined: what hundreds of operations ask at the same
 * time is one statement. A question is never answered with what was read before it was asked. Only for stores outside of transactions.
 */
export function joinedStores(stores: Stores, sql: Sql, around: Around, isDivisible: (error: unknown) => boolean): Stores {
  const join = <Item>(flush: (items: readonly Item[]) => Promise<readonly unknown[]>) => {
    const batcher = new WriteBatcher<Item>({
      batchMax,
      isDivisible,
      flush: async (items) => (await flush(items)).map((value): Outcome => ({ ok: true, value })),
    })
    return <Result>(item: Item) => batcher.submit(item) as Promise<Result> // what `flush` has answered in its place
  }
  const resourceById = join<string>(async (ids) => {
    const found = await stores.resources.findManyById(unique(ids))
    return ids.map((id) => found.get(id))
  })
  const accountById = join<string>(async (ids) => {
    const found = new Map(await Promise.all(unique(ids).map(async (id) => [id, await stores.accounts.findById(id)] as const)))
    return ids.map((id) => found.get(id))
  })
  const aliveOf = join<readonly string[]>(async (questions) => {
    const found = await stores.shadows.listAlive(unique(questions.flat()))
    return questions.map((ids) => found.filter((shadow) => ids.includes(shadow.resourceId)))
  })
  const setStatus = join<StatusChange>(async (changes) => {
    // Of two changes of one row the later one stays.
    const last = [...new Map(changes.map((change) => [change.id, change])).values()]
    await around('resources.setStatus', () => sql.rows(setStatusStatement, [jsonText(last)]))
    return changes.map(() => undefined)
  })
  const move = join<ShadowMove>((moves) => around('shadows.move', () => moveShadows(sql, moves)))
  return {
    ...stores,
    accounts: { ...stores.accounts, findById: (id) => accountById(id) },
    resources: { ...stores.resources, findById: (id) => resourceById(id), setStatus: (id, status, at) => setStatus({ id, status, at }) },
    shadows: {
      ...stores.shadows,
      // A long list is a question of its own already.
      listAlive: (ids) => (ids.length <= listedTogetherMax ? aliveOf(ids) : stores.shadows.listAlive(ids)),
      move: (id, change) => move({ id, ...change }),
    },
  }
}

const listedTogetherMax = 4
const unique = (ids: readonly string[]): string[] => [...new Set(ids)]

/** Locks in the order of ids, so that two such statements never wait for each other. */
const setStatusStatement = `
  with change as (
    select * from jsonb_to_recordset($1::jsonb) as change(id text, status text, at timestamptz)
  ), locked as (
    select resources.id from resources join change using (id) order by resources.id for no key update of resources
  )
  update resources set status = change.status, updated_at = change.at from change join locked using (id) where resources.id = change.id`
