import type { Traits } from '@understudy/provider'
import type { GcpSettings } from './settings.ts'

/** Before anything has been measured: what Compute Engine usually takes. */
const usualSeconds: Traits['expectedSeconds'] = { launch: 45, start: 30, resume: 30, shift: 60 }

/** 1,500 calls a minute per project and group of methods, refilled at the turn of the minute: spread evenly here. */
const perGroup = { capacity: 250, refillPerSecond: 20 }
const usualLimits: Traits['limits'] = {
  read: perGroup,
  mutate: perGroup,
  launch: perGroup,
  start: perGroup,
  snapshot: perGroup,
  tag: perGroup,
  traffic: perGroup,
  blocks: perGroup,
}

export const gcpTraits = ({ expectedSeconds, limits }: Pick<GcpSettings, 'expectedSeconds' | 'limits'>): Traits => ({
  interruptionNotice: { supported: true, seconds: 30, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: true },
  hold: { supported: true, enableAt: 'never-needed', withSpot: true, resizableWhileHeld: false, maxMemoryMiB: 208 * 1024 },
  // An instance's own name is what its key makes unique; the name people see is a label.
  rename: { supported: true, how: 'tag' },
  reservedTags: ['goog-'],
  // By instant snapshots of a consistency group.
  multiDiskSnapshot: { supported: true, maxDisks: 128, guarantee: 'always' },
  readOnlyDisks: { supported: true },
  readSnapshots: {
    supported: false,
    reason:
      'Compute Engine has no call that reads a snapshot or lists what has changed in it: prove it by a test rollback that asks for the checksums of chosen paths.',
  },
  // As images. Google names no limit of how many are made at once.
  copySnapshots: { supported: true },
  postponeMaintenance: { supported: false, reason: 'Compute Engine has no call that postpones host maintenance; it can only be started early.' },
  // Sole-tenant nodes, and placement policies.
  hostGroups: { supported: true },
  commands: {
    supported: false,
    reason: 'Compute Engine has no call that runs a command and answers with its result: a start-up script needs a restart, OS Config a policy.',
  },
  expectedSeconds: { ...usualSeconds, ...expectedSeconds },
  limits: { ...usualLimits, ...limits },
})
