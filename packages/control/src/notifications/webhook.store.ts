import type { Delivery, WebhookEndpoint, WebhookSecrets } from './webhook.ts'

export interface WebhookStore {
  insert(endpoint: WebhookEndpoint, secrets: WebhookSecrets): Promise<void>
  find(projectId: string, id: string): Promise<WebhookEndpoint | undefined>
  list(projectId: string, page: { readonly after: string | undefined; readonly limit: number }): Promise<readonly WebhookEndpoint[]>
  listEnabled(projectId: string): Promise<readonly WebhookEndpoint[]>
  secrets(id: string): Promise<WebhookSecrets | undefined>
  setSecrets(id: string, secrets: WebhookSecrets): Promise<void>
  /** Compare-and-swap on `version`; `conflict` when it has changed. */
  update(endpoint: WebhookEndpoint, seenVersion: number): Promise<void>
  delete(projectId: string, id: string, seenVersion: number): Promise<void>
  /** One per endpoint and event; a second one is left out. */
  insertDeliveries(deliveries: readonly Delivery[]): Promise<void>
  claimDue(options: { readonly at: Date; readonly limit: number; readonly leaseMs: number }): Promise<readonly Delivery[]>
  updateDelivery(delivery: Delivery): Promise<void>
  findDelivery(projectId: string, id: string): Promise<Delivery | undefined>
  listDeliveries(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly endpointId?: string; readonly status?: string },
  ): Promise<readonly Delivery[]>
  /** Sequence of the last event that was fanned out to deliveries. */
  cursor(): Promise<number>
  /** Compare-and-swap: `false` when another worker has advanced it. */
  advanceCursor(from: number, to: number): Promise<boolean>
}
