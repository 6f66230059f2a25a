import type { DestinationStream } from 'pino'

/** Turns pino's JSON lines into `12:00:01 warn  worker  queue_slow  waitedMs=1200`. */
export function prettyStream(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(pretty(line)) }
}

function pretty(line: string): string {
  const { time, level, name, event, error, ...fields } = JSON.parse(line) as Record<string, unknown>
  const words = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const head = [String(time).slice(11, 19), String(level).padEnd(5), String(name).padEnd(6), String(event)]
  return `${[...head, ...words, ...causes(error)].join(' ')}\n`
}

/** The messages of the chain, without stacks: those are in the JSON form. */
function causes(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return error === undefined ? [] : [`error=${JSON.stringify(error)}`]
  const { type, message, cause } = error as { type?: unknown; message?: unknown; cause?: unknown }
  const own = `${String(type)}: ${String(message)}`
  return [cause === undefined ? own : `${own} ← ${causes(cause).join(' ')}`]
}
