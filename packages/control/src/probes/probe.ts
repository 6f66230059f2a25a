import type { JsonObject } from '@understudy/core'
import { z } from 'zod'
import { guestCheckSchema } from './guest-check.ts'

/** How the instance itself is asked whether it is well: over the network, at an address that the cloud says is its own. */
export const probeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tcp'), port: z.int().min(1).max(65_535) }),
  z.strictObject({
    kind: z.literal('http'),
    scheme: z.enum(['http', 'https']).default('http'),
    port: z.int().min(1).max(65_535),
    path: z
      .string()
      .max(1000)
      // What has other characters could end the request line and begin another request.
      .regex(/^\/[!-~]*$/, 'must begin with / and have no spaces')
      .default('/'),
    /** Left out: any from 200 to 299. */
    status: z.int().min(100).max(599).optional(),
    /** In the first 64 KiB of the answer's body. */
    contains: z.string().min(1).max(500).optional(),
  }),
])
export type Probe = z.infer<typeof probeSchema>

/** What has to be true of an instance before it counts as restored, beside the cloud's own checks. */
export const verificationSchema = z.strictObject({
  probes: z.array(probeSchema).max(10).default([]),
  /** Asked from inside. */
  checks: z.array(guestCheckSchema).max(10).default([]),
  /** From when it runs. */
  withinSeconds: z.int().min(1).max(3600).default(300),
})
export type RestoreChecks = z.infer<typeof verificationSchema>
/** As a caller gives it: what is left out has a default. */
export type AskedChecks = z.input<typeof verificationSchema>
/** With nothing asked for, the cloud's own checks are all there is. */
export const noProbes: RestoreChecks = { probes: [], checks: [], withinSeconds: 300 }

/** What one check has found, last. */
export type CheckResult = {
  /** `boot`, `cloud`, or the probe or check in words: `http 8080 /healthz`, `checksum /etc/app.conf`. */
  readonly check: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly detail: string
  /** From the beginning of the checks until it passed. */
  readonly afterSeconds: number
}

export const nameOf = (probe: Probe): string =>
  probe.kind === 'tcp' ? `tcp ${probe.port}` : `${probe.scheme} ${probe.port} ${probe.path}${probe.status === undefined ? '' : ` ${probe.status}`}`

/** Ports that have to be reachable for these probes. */
export const portsOf = ({ probes }: RestoreChecks): readonly number[] => [...new Set(probes.map(({ port }) => port))].toSorted((a, b) => a - b)

/** Of an account: an HTTP proxy (`CONNECT`) in its network, for instances whose addresses are reachable from there only. */
export const probeProxyOf = (settings: JsonObject): string | undefined => {
  const proxy = settings['probeProxy']
  return typeof proxy === 'string' ? proxy : undefined
}
