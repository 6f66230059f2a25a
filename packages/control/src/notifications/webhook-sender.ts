export interface WebhookRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Aborts when the time for the whole exchange is up. */
  readonly signal: AbortSignal
}

export type WebhookAnswer =
  /** Redirects are answers like any other: they are not followed. */
  | { readonly outcome: 'answered'; readonly statusCode: number; readonly retryAfterMs?: number }
  /** Nothing was sent: the name leads where webhooks do not go. */
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'failed'; readonly reason: string; readonly timedOut: boolean }

/**
 * Posts one webhook. The name is resolved once, all its addresses are checked, and the connection goes to the checked one. Never
 * throws for what the other side does.
 */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<WebhookAnswer>
}
