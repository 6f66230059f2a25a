import type { JsonObject } from '@understudy/core'

/** Something that a cloud, an account or a resource can do, or not. A "no" always has its reason. */
export type Capability =
  | { readonly name: CapabilityName; readonly supported: true; readonly details: JsonObject }
  | { readonly name: CapabilityName; readonly supported: false; readonly reason: string }

export const capabilityNames = [
  'clone',
  'interruption-notice',
  'scheduled-maintenance',
  'postpone-maintenance',
  'events-queue',
  'attribution',
  'traffic',
  'hold-memory',
  'resize',
  'rename',
  'snapshots',
  'multi-disk-snapshots',
  'read-only-disks',
  'snapshot-digests',
  'snapshot-copies',
  'host-groups',
  'separate-hosts',
  'commands',
  'market',
  'portable',
] as const
export type CapabilityName = (typeof capabilityNames)[number]

export const yes = (name: CapabilityName, details: JsonObject = {}): Capability => ({ name, supported: true, details })
export const no = (name: CapabilityName, reason: string): Capability => ({ name, supported: false, reason })
