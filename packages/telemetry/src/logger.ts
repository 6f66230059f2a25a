import type { DestinationStream, Logger as Pino } from 'pino'
import { pino } from 'pino'
import { prettyStream } from './pretty.ts'
import { redact } from './redact.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
/** What happened beside the event's name: ids, counts, `error`. No sentences. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Writes one JSON line per event. The first argument names what happened, in snake case (`failover_started`); everything that
 * varies goes into the fields, where a search finds it. Secrets among the fields are replaced.
 */
export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  /** `fields.error` is written with its whole chain of causes. */
  error(event: string, fields?: LogFields): void
  /** A logger whose every line also has these fields. */
  child(fields: LogFields): Logger
}

export interface LoggerOptions {
  readonly level: LogLevel
  /** Which program writes: `api`, `worker`. */
  readonly name: string
  /** For people at a terminal: one short line per event instead of JSON. */
  readonly pretty?: boolean
  /** Standard output by default. */
  readonly destination?: DestinationStream
}

export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? pino.destination({ fd: 1, sync: true })
  const settings = {
    level: options.level,
    base: { name: options.name },
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return wrap(pino(settings, options.pretty === true ? prettyStream(destination) : destination))
}

function wrap(lines: Pino): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      if (lines.isLevelEnabled(level)) lines[level](redact(fields), event)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(lines.child(redact(fields) as Record<string, unknown>)),
  }
}
