import type { CapacityTrace } from '@understudy/forecast/risk'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/**
 * Reads a folder of real availability traces, one file `ZONE_TYPE.json` per pool, as they are published at
 * github.com/skypilot-org/spot-traces: `{"metadata": {"gap_seconds": 195}, "data": [1, 0, …]}`, where a value is how many machines
 * could be had at that tick. A pool counts as up where all that were ever seen at once could be had. All files have the same gap;
 * the longer ones are cut to the shortest. The files have no time of their first tick: it counts as midnight.
 */
export async function readTraces(folder: string): Promise<CapacityTrace> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  if (files.length < 2) throw new Error(`${folder} holds ${files.length} traces; pairs of zones need at least 2 files ZONE_TYPE.json`)
  const read = await Promise.all(files.map(async (name) => readPool(join(folder, name))))
  const tickSeconds = read[0]?.gapSeconds ?? 1
  const other = read.find((one) => one.gapSeconds !== tickSeconds)
  if (other !== undefined) throw new Error(`${other.zone} has a tick of ${other.gapSeconds} s, the first file one of ${tickSeconds} s`)
  const ticks = Math.min(...read.map(({ available }) => available.length))
  const up = new Uint8Array(ticks * read.length)
  read.forEach(({ available }, pool) => {
    const whole = available.reduce((most, value) => Math.max(most, value), 1)
    for (let tick = 0; tick < ticks; tick++) up[tick * read.length + pool] = (available[tick] ?? 0) >= whole ? 1 : 0
  })
  return { pools: read.map(({ type, zone }) => ({ type, zone, region: regionOf(zone) })), tickSeconds, startSeconds: 0, up }
}

async function readPool(file: string) {
  const [zone = '', ...type] = basename(file, '.json').split('_')
  const content: unknown = JSON.parse(await readFile(file, 'utf8'))
  const { metadata, data } = content as { metadata?: { gap_seconds?: unknown }; data?: unknown }
  const gapSeconds = metadata?.gap_seconds
  if (typeof gapSeconds !== 'number' || !(gapSeconds > 0)) throw new Error(`${file}: metadata.gap_seconds must be a number above 0`)
  if (!Array.isArray(data) || !data.every((value): value is number => Number.isInteger(value) && value >= 0)) {
    throw new Error(`${file}: data must be a list of whole numbers from 0`)
  }
  return { zone, type: type.join('_'), gapSeconds, available: data }
}

/** us-east-1a → us-east-1, us-central1-b → us-central1. */
function regionOf(zone: string): string {
  return zone.replace(/-?[a-z]$/, '')
}
