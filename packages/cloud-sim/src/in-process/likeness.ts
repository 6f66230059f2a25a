import type { MechanismTraits, Provider, Traffic, TrafficMechanism, Traits } from '@understudy/provider'

/** Capabilities that a cloud, or its adapter, may lack. */
const optional = ['traffic', 'snapshots', 'blocks', 'copies', 'disks', 'isolation', 'commands', 'leftovers', 'signals', 'market', 'portable'] as const

/** Whose manners the in-process front takes on: an adapter's provider is one. What is absent there is absent here. */
export type Model = Pick<Provider, 'traits' | (typeof optional)[number]>

/** How the front behaves where clouds differ. */
export interface Likeness {
  readonly traits: Traits
  readonly mechanisms: Traffic['mechanisms']
  /** What becomes of an interruptible instance that the cloud takes back, unless its owner has asked for something else. */
  readonly reclaim: 'terminate' | 'stop'
}

/** Like EC2's: published buckets, two minutes of notice, hibernation decided at launch. */
export const ec2Traits: Traits = {
  interruptionNotice: { supported: true, seconds: 120, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: false },
  hold: { supported: true, enableAt: 'launch', withSpot: true, resizableWhileHeld: false, maxMemoryMiB: 150 * 1024 },
  stopOneTimeSpot: { supported: false, reason: 'EC2 stops a Spot Instance only when its request is persistent.' },
  rename: { supported: true, how: 'tag' },
  reservedTags: ['aws:'],
  multiDiskSnapshot: { supported: true, maxDisks: 128, guarantee: 'always' },
  readOnlyDisks: { supported: false, reason: 'EC2 attaches volumes for reading and writing only: mount it read-only in the guest.' },
  readSnapshots: { supported: true, blockBytes: 512 * 1024 },
  copySnapshots: { supported: true, atOnce: 20 },
  postponeMaintenance: { supported: true },
  hostGroups: { supported: true },
  commands: { supported: true },
  expectedSeconds: { launch: 30, start: 25, resume: 20, shift: 1 },
  limits: {
    read: { capacity: 100, refillPerSecond: 20 },
    mutate: { capacity: 50, refillPerSecond: 5 },
    launch: { capacity: 5, refillPerSecond: 2 },
    start: { capacity: 1000, refillPerSecond: 2 },
    snapshot: { capacity: 100, refillPerSecond: 5 },
    tag: { capacity: 100, refillPerSecond: 10 },
    traffic: { capacity: 40, refillPerSecond: 10 },
    blocks: { capacity: 250, refillPerSecond: 250 },
  },
}

/** The mechanisms that the data centre can play, as EC2 has them. */
const ec2Mechanisms = {
  'lb-weight': { standby: true },
  'lb-target': { standby: false },
  'address-move': { standby: false, unwatched: true },
  'dns-weight': { standby: false, unwatched: true, foreign: true },
} as const satisfies Partial<Record<TrafficMechanism, MechanismTraits>>

/** The manners of a cloud; without a model those of EC2, which the data centre follows by itself. */
export function likenessOf(model: Model | undefined): Likeness {
  if (model === undefined) return { traits: ec2Traits, mechanisms: ec2Mechanisms, reclaim: 'terminate' }
  const offered = Object.entries(model.traffic?.mechanisms ?? {}).filter(([name]) => name in ec2Mechanisms)
  // Only EC2 launches spot instances that cannot be stopped, and ends those that it takes back.
  const reclaim = model.traits.stopOneTimeSpot?.supported === false ? 'terminate' : 'stop'
  return { traits: model.traits, mechanisms: Object.fromEntries(offered), reclaim }
}

/** Takes away what the model lacks. */
export function without(model: Model | undefined, provider: Provider): Provider {
  if (model === undefined) return provider
  const missing = new Set<string>(optional.filter((capability) => model[capability] === undefined))
  return Object.fromEntries(Object.entries(provider).filter(([name]) => !missing.has(name))) as unknown as Provider // of what may be absent only
}

/** How long before the end a warning comes; a cloud that gives none warns of what has happened. */
export const noticeMsOf = ({ traits: { interruptionNotice: notice } }: Likeness): number => (notice.supported ? notice.seconds * 1000 : 0)
