import { isTrafficMechanism } from './mechanisms.ts'
import type { EntryPoint } from './mechanisms.ts'
import type { JsonObject } from '@understudy/core'
import type { TrafficMechanism } from '@understudy/provider'

/** What the lane needs to know of a real account; docs/clouds/README.md explains each. */
export interface LiveConfig {
  readonly cloud: string
  readonly account: string
  readonly region: string
  readonly settings: JsonObject
  readonly credentials: JsonObject
  /** Native id of an instance with a root and a data disk, of which everything is made. It is never changed. */
  readonly template: { readonly nativeId: string; readonly zone: string }
  readonly zones: readonly [primary: string, other: string, third: string]
  readonly typeOther: string
  readonly entryPoints: Readonly<Partial<Record<TrafficMechanism, EntryPoint>>>
  /** Where the keys of what is made are noted before it is made. */
  readonly journal: string
}

/** `undefined`: the lane was not asked for. Everything that is missing is said at once. */
export function liveConfig(env: Readonly<Record<string, string | undefined>> = process.env): LiveConfig | undefined {
  const cloud = env['UNDERSTUDY_LIVE'] ?? ''
  if (cloud === '') return undefined
  const problems: string[] = []
  const text = (name: string): string => {
    const value = env[`UNDERSTUDY_LIVE_${name}`] ?? ''
    if (value === '') problems.push(`UNDERSTUDY_LIVE_${name} is missing`)
    return value
  }
  const json = (name: string, usual: string): JsonObject => {
    try {
      const value: unknown = JSON.parse(env[`UNDERSTUDY_LIVE_${name}`] ?? usual)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject // JSON.parse makes nothing else
    } catch {
      // Said below, without the text: it may hold a secret.
    }
    problems.push(`UNDERSTUDY_LIVE_${name} is no JSON object`)
    return {}
  }
  const zones = text('ZONES').split(',')
  if (zones.length !== 3) problems.push('UNDERSTUDY_LIVE_ZONES must name three zones, with commas between them')
  const [primary = '', other = '', third = ''] = zones
  const entryPoints = json('ENTRY_POINTS', '{}')
  for (const name of Object.keys(entryPoints)) if (!isTrafficMechanism(name)) problems.push(`UNDERSTUDY_LIVE_ENTRY_POINTS has no mechanism ${name}`)
  const config: LiveConfig = {
    cloud,
    account: text('ACCOUNT'),
    region: text('REGION'),
    settings: json('SETTINGS', '{}'),
    credentials: json('CREDENTIALS', '{"source":"default-chain"}'),
    template: { nativeId: text('TEMPLATE'), zone: primary },
    zones: [primary, other, third],
    typeOther: text('TYPE_OTHER'),
    entryPoints: entryPoints as LiveConfig['entryPoints'], // its keys are checked above; the adapter checks the rest
    journal: env['UNDERSTUDY_LIVE_JOURNAL'] ?? `.understudy/live-${cloud}.keys`,
  }
  if (problems.length > 0) throw new Error(`The live lane cannot run: ${problems.join('; ')}.`)
  return config
}
