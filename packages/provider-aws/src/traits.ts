import type { Traits } from '@understudy/provider'
import { blockBytes } from './blocks.ts'
import type { AwsSettings } from './settings.ts'

/** Before anything has been measured: what EC2 usually takes. */
const usualSeconds: Traits['expectedSeconds'] = { launch: 60, start: 40, resume: 60, shift: 5 }

/**
 * EC2's published token buckets per account and region. Starts and launches are limited by calls (5, refilled with 2 per second)
 * and by instances (1,000, with 2 per second); starts are batched here, launches are one call each, so that the former are
 * bound by instances and the latter by calls. The buckets of Elastic Load Balancing are not published: a careful guess.
 */
const publishedLimits: Traits['limits'] = {
  read: { capacity: 100, refillPerSecond: 20 },
  mutate: { capacity: 50, refillPerSecond: 5 },
  launch: { capacity: 5, refillPerSecond: 2 },
  start: { capacity: 1000, refillPerSecond: 2 },
  snapshot: { capacity: 100, refillPerSecond: 5 },
  tag: { capacity: 100, refillPerSecond: 10 },
  traffic: { capacity: 40, refillPerSecond: 10 },
  // Of the EBS direct APIs, which count apart: 1,000 blocks and 50 lists per second; a quarter of the former here, since few calls are lists.
  blocks: { capacity: 250, refillPerSecond: 250 },
}

export const awsTraits = ({ expectedSeconds, limits }: Pick<AwsSettings, 'expectedSeconds' | 'limits'>): Traits => ({
  interruptionNotice: { supported: true, seconds: 120, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: false },
  hold: { supported: true, enableAt: 'launch', withSpot: true, resizableWhileHeld: false, maxMemoryMiB: 150 * 1024 },
  stopOneTimeSpot: { supported: false, reason: 'EC2 stops a Spot Instance only when its request is persistent.' },
  rename: { supported: true, how: 'tag' },
  reservedTags: ['aws:'],
  multiDiskSnapshot: { supported: true, maxDisks: 128, guarantee: 'always' },
  readOnlyDisks: { supported: false, reason: 'EC2 attaches volumes for reading and writing only: mount it read-only in the guest.' },
  readSnapshots: { supported: true, blockBytes },
  // https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html
  copySnapshots: { supported: true, atOnce: 20 },
  postponeMaintenance: { supported: true },
  // Placement groups, and Dedicated Hosts.
  hostGroups: { supported: true },
  commands: { supported: true },
  expectedSeconds: { ...usualSeconds, ...expectedSeconds },
  limits: { ...publishedLimits, ...limits },
})
