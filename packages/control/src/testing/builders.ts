import type { ResourceDna, Traits } from '@understudy/provider'
import type { Abilities } from '../cloud/abilities.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { Shadow } from '../shadows/shadow.ts'

/** The instant at which tests of pure rules take place. */
export const nowMs = Date.UTC(2026, 2, 1, 12)
const at = new Date(nowMs - 86_400_000)

export const aTier = (overrides: Partial<Tier> = {}): Tier => ({
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'spot',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
  ...overrides,
})

const dna: ResourceDna = {
  dnaVersion: 1,
  ref: { provider: 'sim', account: '1', region: 'r', nativeId: 'i-primary', zone: 'a' },
  nativeName: 'web',
  state: 'running',
  nativeState: 'running',
  os: { family: 'linux', arch: 'x86_64' },
  size: { type: 'm7i.large', vcpus: 2, memoryMiB: 8192 },
  purchase: 'spot',
  disks: [],
  nics: [],
  tags: {},
  placement: { zone: 'a' },
  protection: { terminate: false, stop: false },
  holdEnabled: false,
  native: {},
  fingerprint: 'f',
  unknowable: [],
}

export const aResource = (overrides: Partial<Resource> = {}): Resource => ({
  ...{ id: 'res_1', projectId: 'prj_1', accountId: 'acc_1', name: 'web', nativeId: 'i-primary', zone: 'a', labels: {} },
  ...{ dna, dnaHash: 'h', dnaAt: at, traffic: { mechanism: 'lb-weight', native: {} }, tier: aTier(), status: 'protected', hold: undefined },
  ...{ primaryEpoch: 3, createdAt: at, updatedAt: at, version: 7 },
  ...overrides,
})

export const aShadow = (overrides: Partial<Shadow> = {}): Shadow => ({
  ...{ id: 'shd_1', projectId: 'prj_1', resourceId: 'res_1', accountId: 'acc_1', status: 'ready', nativeId: 'i-shadow', zone: 'b' },
  ...{ instanceType: 'm7i.large', purchase: 'spot', readiness: 'hot', dnaFingerprint: 'f', proof: aProof(60), armedUntil: undefined },
  ...{ operationId: undefined, failures: 0, lastError: undefined, createdAt: at, updatedAt: at, version: 1 },
  ...overrides,
})

export const aProof = (ageSeconds: number): NonNullable<Shadow['proof']> => ({
  at: new Date(nowMs - ageSeconds * 1000),
  method: 'health',
  seconds: 20,
  operationId: undefined,
})

/** A cloud that can do everything that was built. */
export const abilities = (overrides: Partial<Abilities> = {}): Abilities => ({
  traits,
  traffic: { 'lb-weight': { standby: true }, 'lb-target': { standby: false }, 'address-move': { standby: false } },
  snapshots: true,
  disks: true,
  schedule: true,
  queue: true,
  attribution: true,
  market: true,
  portable: true,
  ...overrides,
})

export const traits: Traits = {
  interruptionNotice: { supported: true, seconds: 120, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: false },
  hold: { supported: true, enableAt: 'launch', withSpot: false, resizableWhileHeld: false },
  rename: { supported: true, how: 'tag' },
  multiDiskSnapshot: { supported: true, maxDisks: 128, guarantee: 'always' },
  readOnlyDisks: { supported: true },
  readSnapshots: { supported: false, reason: 'a fake' },
  copySnapshots: { supported: false, reason: 'a fake' },
  hostGroups: { supported: true },
  postponeMaintenance: { supported: false, reason: 'no' },
  commands: { supported: false, reason: 'no' },
  expectedSeconds: { launch: 30, start: 25, resume: 20, shift: 1 },
  limits: {
    read: { capacity: 1, refillPerSecond: 1 },
    mutate: { capacity: 1, refillPerSecond: 1 },
    launch: { capacity: 1, refillPerSecond: 1 },
    start: { capacity: 1, refillPerSecond: 1 },
    snapshot: { capacity: 1, refillPerSecond: 1 },
    tag: { capacity: 1, refillPerSecond: 1 },
    traffic: { capacity: 1, refillPerSecond: 1 },
    blocks: { capacity: 1, refillPerSecond: 1 },
  },
}
