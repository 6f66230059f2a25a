import type { SealedSecret } from '../accounts/account.ts'

/** Where a team wants to be told. Standard Webhooks 1.0. */
export interface WebhookEndpoint {
  readonly id: string
  readonly projectId: string
  readonly url: string
  readonly description: string
  /** Event types, or prefixes that end in `.`; empty: all. */
  readonly types: readonly string[]
  readonly status: 'enabled' | 'disabled'
  readonly disabledReason: string | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}
/** The present secret and, for a time after a rotation, the one before. */
export interface WebhookSecrets {
  readonly current: SealedSecret
  readonly previous: SealedSecret | undefined
  readonly previousUntil: Date | undefined
}

export interface Delivery {
  readonly id: string
  readonly projectId: string
  readonly endpointId: string
  readonly eventId: string
  readonly eventType: string
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly attempts: number
  readonly nextAttemptAt: Date | undefined
  readonly lastStatusCode: number | undefined
  readonly lastError: string | undefined
  readonly createdAt: Date
  readonly finishedAt: Date | undefined
  /** The exact body that is signed and sent. */
  readonly body: string
}
