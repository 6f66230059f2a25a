import type pg from 'pg'

/**
 * Writes rows directly: copies of one resource and of one of its points, until there are so many points, one of each resource. Answers how many
 * resources there are then.
 */
export async function multiplyPoints(database: pg.Client, points: number): Promise<number> {
  await database.query(
    `insert into resources select (jsonb_populate_record(null::resources, to_jsonb(original) || jsonb_build_object(
       'id', 'res_' || lpad(number::text, 20, '0'), 'native_id', 'i-bench-' || number, 'name', 'bench-' || number))).*
     from (select * from resources order by created_at limit 1) original, generate_series(1, $1::int) number`,
    [points],
  )
  await database.query(
    `insert into recovery_points select (jsonb_populate_record(null::recovery_points, to_jsonb(original) || jsonb_build_object(
       'id', 'rp_' || lpad(number::text, 20, '0'), 'resource_id', 'res_' || lpad(number::text, 20, '0'), 'sequence', 1, 'used_bytes', number, 'full_bytes', 2 * number))).*
     from (select * from recovery_points where status = 'usable' order by created_at limit 1) original, generate_series(1, $1::int) number`,
    [points],
  )
  await database.query('analyze')
  const { rows } = await database.query<{ count: string }>('select count(*) from resources')
  return Number(rows[0]?.count ?? 0)
}
