import pg from 'pg'

/** Where the time of failovers went, by what the log and the worker say. Milliseconds. */
export interface Breakdown {
  /** In the order in which they happen. */
  readonly stages: readonly { readonly stage: string; readonly p50Ms: number; readonly p99Ms: number }[]
  /** Calls to the provider by the worker, with the waits for their rate limits. */
  readonly calls: readonly { readonly call: string; readonly count: number; readonly meanMs: number }[]
}

/** `noticeMs`: when the notices were given, on the wall's clock; absent when each had a time of its own. */
export async function readBreakdown(databaseUrl: string, workerUrl: string, noticeMs?: number): Promise<Breakdown> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ stage: string; p50: number; p99: number }>(stagesStatement, [noticeMs ?? null])
    const stages = rows.map(({ stage, p50, p99 }) => ({ stage, p50Ms: Number(p50), p99Ms: Number(p99) }))
    return { stages, calls: await readCalls(workerUrl) }
  } finally {
    await client.end()
  }
}

/** A step lasts from when it is its turn, so that the writing of its start is part of it. Steps after the redirect are left out. */
const stagesStatement = `
  with failovers as (
    select id, created_at, started_at from operations where kind = 'failover'
  ), steps as (
    select ended.step, extract(epoch from ended.at - begun.at) * 1000 as ms,
      (select min(sequence) from saga_events as any_of where any_of.operation_id = begun.operation_id and any_of.step = begun.step) as place
    from saga_events as ended
    join saga_events as begun on begun.operation_id = ended.operation_id and begun.step = ended.step and begun.type = 'started' and begun.attempt = 1
    join failovers on failovers.id = ended.operation_id
    where ended.type = 'succeeded' and ended.attempt > 0 and ended.step in ('gate', 'standin', 'running', 'traffic')
  ), stages as (
    select -1 as place, 'notice to operation' as stage, extract(epoch from created_at - to_timestamp($1::numeric / 1000)) * 1000 as ms from failovers
    union all
    select 0, 'waits for a claim', extract(epoch from started_at - created_at) * 1000 from failovers
    union all
    select place, 'step ' || step, ms from steps
  )
  select stage, percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99
  from stages where ms is not null group by stage order by min(place)`

async function readCalls(workerUrl: string): Promise<Breakdown['calls']> {
  const text = await (await fetch(new URL('/metrics', workerUrl))).text()
  const found = new Map<string, { count: number; seconds: number }>()
  for (const [, part, labels, value] of text.matchAll(/^understudy_provider_call_seconds_(sum|count)\{([^}]*)\} (\S+)$/gm)) {
    const call = /call="([^"]*)"/.exec(labels ?? '')?.[1] ?? ''
    const totals = found.get(call) ?? { count: 0, seconds: 0 }
    if (part === 'count') totals.count += Number(value)
    else totals.seconds += Number(value)
    found.set(call, totals)
  }
  return [...found]
    .map(([call, { count, seconds }]) => ({ call, count, meanMs: count === 0 ? 0 : (seconds / count) * 1000 }))
    .toSorted((a, b) => b.count * b.meanMs - a.count * a.meanMs)
}
