import type { Logger } from '@understudy/telemetry'
import type { FastifyBaseLogger } from 'fastify'

/** What Fastify itself has to say, in our log's form: only its warnings and failures; requests have lines of their own. */
export function fastifyLogger(logger: Logger): FastifyBaseLogger {
  const ignore = (): void => undefined
  const say =
    (level: 'warn' | 'error') =>
    (first: unknown, text?: string): void => {
      if (typeof first === 'string') logger[level]('server', { message: first })
      else logger[level]('server', { message: text, error: errorIn(first) })
    }
  const adapted: FastifyBaseLogger = {
    level: 'info',
    fatal: say('error'),
    error: say('error'),
    warn: say('warn'),
    info: ignore,
    debug: ignore,
    trace: ignore,
    silent: ignore,
    child: () => adapted,
  }
  return adapted
}

const errorIn = (value: unknown): unknown => (typeof value === 'object' && value !== null && 'err' in value ? value.err : value)
