import { z } from 'zod'

export interface JobDefinition {
  readonly schema: z.ZodType
  /** Deliveries before the job is given up. Nothing is lost then: the database still holds the work, and the sweep rings again. */
  readonly attempts: number
  readonly backoffMs: number
}

/**
 * Every job there is. Payloads carry ids, never objects: what is to be done is in the database, and a job only says that there
 * is something. A worker refuses to start when it has no handler for one of these.
 */
export const catalogue = {
  /** Operations are runnable: claim them. The id is for people; the runner claims whatever is most urgent. */
  'operations.wake': { schema: z.object({ operationId: z.string().optional() }), attempts: 3, backoffMs: 500 },
  /** Something has changed that this reconciler looks after. */
  'reconcile.wake': { schema: z.object({ name: z.string() }), attempts: 2, backoffMs: 1000 },
} as const satisfies Record<string, JobDefinition>

export type JobName = keyof typeof catalogue
export type JobPayload<Name extends JobName> = z.infer<(typeof catalogue)[Name]['schema']>
export type JobHandlers = { readonly [Name in JobName]: (payload: JobPayload<Name>) => Promise<void> | void }

export const isJobName = (name: string): name is JobName => Object.hasOwn(catalogue, name)
