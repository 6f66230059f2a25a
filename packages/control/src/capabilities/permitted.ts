import type { Account } from '../accounts/account.ts'
import { no } from './capability.ts'
import type { Capability, CapabilityName } from './capability.ts'

/** Which part of the port a capability is done by, where credentials may lack what it needs. */
const doneBy: Readonly<Partial<Record<CapabilityName, string>>> = {
  clone: 'compute',
  resize: 'compute',
  rename: 'labels',
  traffic: 'traffic',
  snapshots: 'snapshots',
  'multi-disk-snapshots': 'snapshots',
  'snapshot-copies': 'snapshots',
  'scheduled-maintenance': 'signals',
  'events-queue': 'signals',
  commands: 'commands',
  market: 'market',
  portable: 'compute',
}

/** What the last `:verify` found the credentials to lack cannot be done either. Pure. */
export function permitted(capabilities: readonly Capability[], { verification }: Pick<Account, 'verification'>): readonly Capability[] {
  const missing = new Map((verification?.permissions ?? []).map((report) => [report.capability, report.missing]))
  return capabilities.map((capability) => {
    const lacking = missing.get(doneBy[capability.name] ?? '') ?? []
    return !capability.supported || lacking.length === 0
      ? capability
      : no(capability.name, `The credentials lack ${lacking.join(', ')}, as the last verification of the account found.`)
  })
}
