import type { Traits } from '@understudy/provider'
import type { AzureSettings } from './settings.ts'

/** Before anything has been measured. Nothing is published; starts of Azure VMs take one to several minutes. */
const usualSeconds: Traits['expectedSeconds'] = { launch: 120, start: 60, resume: 60, shift: 15 }

/**
 * Azure Resource Manager's buckets per subscription and principal (reads 250, refilled with 25 per second; writes 200, with 10).
 * Compute's own bucket per VM (12 writes, 4 per minute) is tighter, but cannot be told from here: its refusals say when to return.
 */
const publishedLimits: Traits['limits'] = {
  read: { capacity: 250, refillPerSecond: 25 },
  mutate: { capacity: 200, refillPerSecond: 10 },
  launch: { capacity: 50, refillPerSecond: 3 },
  start: { capacity: 200, refillPerSecond: 10 },
  snapshot: { capacity: 100, refillPerSecond: 5 },
  tag: { capacity: 200, refillPerSecond: 10 },
  traffic: { capacity: 100, refillPerSecond: 3 },
  // Ranges of a blob, of which Azure Storage counts 500 in a second.
  blocks: { capacity: 100, refillPerSecond: 100 },
}

/** To one region: https://learn.microsoft.com/azure/virtual-machines/disks-copy-incremental-snapshot-across-regions#restrictions */
export const copiesAtOnceMax = 100

export const azureTraits = ({ expectedSeconds, limits }: Pick<AzureSettings, 'expectedSeconds' | 'limits'>): Traits => ({
  // Preempt is announced 30 s ahead, and only to a guest that asks for its scheduled events.
  interruptionNotice: { supported: true, seconds: 30, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: true },
  hold: { supported: true, enableAt: 'any-stopped', withSpot: false, resizableWhileHeld: false, maxMemoryMiB: 64 * 1024 },
  // A VM cannot be renamed. What people see as its name is the tag `Name` where there is one.
  rename: { supported: true, how: 'tag' },
  reservedTags: ['hidden-'],
  // Restore points: of all managed disks (a VM has at most 64 data disks), and of one moment unless the host caches writes. Kinds of disks of
  // which there are none are kept one by one.
  multiDiskSnapshot: { supported: true, maxDisks: 65, guarantee: 'conditional' },
  readOnlyDisks: { supported: false, reason: 'Azure attaches managed disks for reading and writing only: mount it read-only in the guest.' },
  readSnapshots: { supported: true, blockBytes: 512 * 1024 },
  copySnapshots: { supported: true, atOnce: copiesAtOnceMax, inOrder: true },
  postponeMaintenance: { supported: false, reason: 'Azure has no call that moves the start of a scheduled event; it can only be started early.' },
  // Dedicated host groups, availability sets, proximity placement groups.
  hostGroups: { supported: true },
  commands: { supported: true },
  expectedSeconds: { ...usualSeconds, ...expectedSeconds },
  limits: { ...publishedLimits, ...limits },
})
