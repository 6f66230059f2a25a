import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One task: what is known, and what came after it. */
export interface Task {
  readonly id: string
  /** Where the series comes from, for coverage by source. */
  readonly source: string
  /** The same for tasks whose outcomes tell of one another: those of a series within four days. */
  readonly cluster: string
  /** Where in the series what is known begins. */
  readonly start: number
  readonly history: Float64Array
  readonly future: Float64Array
}

export async function cloudSeries(
  directory: string,
): Promise<readonly { readonly id: string; readonly source: string; readonly values: Float64Array }[]> {
  const text = await readFile(join(directory, 'dev/forecasting/cloud_hourly.csv'), 'utf8')
  const bySeries = new Map<string, { source: string; values: number[] }>()
  for (const line of text.trim().split('\n').slice(1)) {
    const [id, source, , value] = line.split(',') as [string, string, string, string]
    const entry = bySeries.get(id) ?? { source, values: [] }
    entry.values.push(value === '' ? NaN : Number(value))
    bySeries.set(id, entry)
  }
  return Array.from(bySeries, ([id, { source, values }]) => ({ id, source, values: Float64Array.from(values) }))
}

/**
 * 336 hours in, 24 out. By default three origins per series, the last at its end and the first as early as its history allows. Dense
 * origins are half a day apart (three days for single machines, of which there are many): a source of two series says too little about
 * how often it is held with three. Daily ones are a day apart, so that each hour is forecast once.
 */
export async function cloudTasks(directory: string, origins: 'three' | 'dense' | 'daily' = 'three'): Promise<readonly Task[]> {
  return (await cloudSeries(directory)).flatMap(({ id, source, values }) => {
    const room = values.length - 336 - 24
    if (room < 0) return []
    const every = (apart: number): readonly number[] => Array.from({ length: Math.floor(room / apart) + 1 }, (_, index) => room - index * apart)
    const starts = {
      three: () => [...new Set([0, room >> 1, room])],
      dense: () => every(source === 'azure2017vm' ? 72 : 12),
      daily: () => every(24),
    }[origins]()
    return starts.map((start) => ({
      id,
      source,
      start,
      cluster: `${id} ${Math.floor(start / 96)}`,
      history: values.slice(start, start + 336),
      future: values.slice(start + 336, start + 360),
    }))
  })
}

/** The official split: 700 or 960 hours in, 48 out. */
export async function m4Tasks(directory: string): Promise<readonly Task[]> {
  const read = async (name: string): Promise<readonly (readonly [string, Float64Array])[]> => {
    const text = await readFile(join(directory, 'dev/forecasting', name), 'utf8')
    return text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [id, ...cells] = line.replaceAll('"', '').split(',')
        return [
          id!,
          Float64Array.from(
            cells.filter((cell) => cell !== ''),
            Number,
          ),
        ] as const
      })
  }
  const test = new Map(await read('m4_hourly_test.csv'))
  return (await read('m4_hourly_train.csv')).map(([id, history]) => ({ id, source: 'm4', cluster: id, start: 0, history, future: test.get(id)! }))
}
