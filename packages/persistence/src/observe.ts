/** What the database tells about itself, for metrics and logs. */
export type DatabaseObservation =
  | { readonly type: 'call'; readonly name: string; readonly durationMs: number; readonly failed: boolean }
  /** One transaction of the engine's log. */
  | { readonly type: 'flush'; readonly writes: number; readonly events: number; readonly durationMs: number }
  /** A transaction lost against another one and runs again. */
  | { readonly type: 'retry'; readonly attempt: number; readonly error: unknown }
  /** The server closed a connection that nobody was using. */
  | { readonly type: 'connection_lost'; readonly error: unknown }
export type Observe = (observation: DatabaseObservation) => void
