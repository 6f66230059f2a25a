import type { RunnerEvent } from '@understudy/saga'
import type { Logger } from '@understudy/telemetry'

/** What a person searches for when an operation went wrong is a line of its own; the ordinary is for `debug`. */
export function logRunnerEvent(logger: Logger, event: RunnerEvent): void {
  const { type, ...fields } = event
  switch (type) {
    case 'stuck':
    case 'store_failed':
    case 'step_abandoned':
    case 'engine_failed':
      logger.error(`operation_${type}`, fields)
      return
    case 'step_retried':
    case 'fenced':
    case 'lease_lost':
      logger.warn(`operation_${type}`, fields)
      return
    case 'finished':
    case 'released':
      logger.info(`operation_${type}`, fields)
      return
    case 'step_finished':
      if (event.type === 'step_finished' && event.outcome === 'failed') logger.warn('operation_step_failed', fields)
      else logger.debug('operation_step_finished', fields)
      return
    case 'claimed':
    case 'step_started':
      logger.debug(`operation_${type}`, fields)
  }
}
