import type { Probe } from './probe.ts'

/** Asks an instance once, over the network. Never throws: what goes wrong is the answer. */
export interface Prober {
  attempt(
    probe: Probe,
    at: {
      readonly address: string
      /** A way into its network; absent: straight. */
      readonly proxy: string | undefined
      readonly signal: AbortSignal
    },
  ): Promise<{ readonly passed: boolean; readonly detail: string }>
}
