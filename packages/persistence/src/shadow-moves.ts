import type { ShadowStore } from '@understudy/control'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

export type ShadowMove = { readonly id: string } & Parameters<ShadowStore['move']>[1]

/** A shadow is moved once per statement; who wants to move it as well sees what has become of it, in the next one. */
export async function moveShadows(sql: Sql, moves: readonly ShadowMove[]): Promise<readonly boolean[]> {
  const answers = new Map<ShadowMove, boolean>()
  for (let waiting = moves; waiting.length > 0;) {
    const first = new Map(waiting.toReversed().map((move) => [move.id, move]))
    const rows = await sql.rows<{ id: string }>(moveStatement, [jsonText([...first.values()])])
    const moved = new Set(rows.map(({ id }) => id))
    for (const move of first.values()) answers.set(move, moved.has(move.id))
    waiting = waiting.filter((move) => !answers.has(move))
  }
  return moves.map((move) => answers.get(move) ?? false)
}

/** A member that was not given changes nothing; one that is null clears its column. */
const moveStatement = `
  with given as (
    select value ->> 'id' as given_id, value from jsonb_array_elements($1::jsonb)
  ), locked as (
    select shadows.id as locked_id, value from shadows join given on given_id = shadows.id
    where value -> 'from' ? shadows.status
    order by shadows.id for no key update of shadows
  )
  update shadows set
    status = value ->> 'to',
    updated_at = (value ->> 'at')::timestamptz,
    version = version + 1,
    operation_id = case when value ? 'operationId' then value ->> 'operationId' else operation_id end,
    native_id = case when value ? 'nativeId' then value ->> 'nativeId' else native_id end,
    snapshot_set_id = case when value ? 'snapshotSetId' then value ->> 'snapshotSetId' else snapshot_set_id end,
    last_error = case when value ? 'lastError' then value ->> 'lastError' else last_error end
  from locked where shadows.id = locked_id and value -> 'from' ? shadows.status
  returning shadows.id`
