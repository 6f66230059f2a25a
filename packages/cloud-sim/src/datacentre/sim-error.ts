/** What the cloud's API answers when it refuses: its own code, message and HTTP status. A front renders it in its protocol. */
export class SimError extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(message)
    this.name = 'SimError'
    this.code = code
    this.status = status
  }
}

/**
 * The connection broke: no answer reaches the caller. `afterEffect` says whether the call took effect all the same; a caller
 * cannot know, so only tests may look at it.
 */
export class ConnectionReset extends Error {
  readonly afterEffect: boolean
  constructor(afterEffect: boolean) {
    super('connection reset by peer')
    this.name = 'ConnectionReset'
    this.afterEffect = afterEffect
  }
}
