import type { JsonObject } from '@understudy/core'
import type { Answer } from '@understudy/provider'
import type { Abilities } from '../cloud/abilities.ts'
import { no, yes } from './capability.ts'
import type { Capability, CapabilityName } from './capability.ts'

/** What can be done in a cloud, from its traits and from the capabilities that its adapter has or lacks. Pure. */
export function cloudCapabilities(cloud: Abilities): readonly Capability[] {
  const { traits } = cloud
  return [
    yes('clone'),
    answer('interruption-notice', traits.interruptionNotice),
    present('scheduled-maintenance', cloud.schedule, 'The schedule of maintenance cannot be asked: only what is pushed or forwarded is known.'),
    answer('postpone-maintenance', traits.postponeMaintenance),
    present('events-queue', cloud.queue, 'No queue of events is configured for the account: events have to be pushed to it, or forwarded by agents.'),
    present('attribution', cloud.attribution, 'Nobody can be asked who stopped an instance: only what its event says is known.'),
    traffic(cloud),
    answer('hold-memory', traits.hold),
    answer('resize', traits.resize),
    answer('rename', traits.rename),
    present('snapshots', cloud.snapshots, 'Disks cannot be kept yet: there are no cold shadows, and a replacement starts from the image.'),
    cloud.snapshots
      ? answer('multi-disk-snapshots', traits.multiDiskSnapshot)
      : no('multi-disk-snapshots', traits.multiDiskSnapshot.supported ? 'Disks cannot be kept yet.' : traits.multiDiskSnapshot.reason),
    cloud.disks ? answer('read-only-disks', traits.readOnlyDisks) : no('read-only-disks', 'Disks of an instance cannot be exchanged yet.'),
    answer('snapshot-digests', traits.readSnapshots),
    answer('snapshot-copies', traits.copySnapshots),
    answer('host-groups', traits.hostGroups),
    separateHosts(cloud),
    answer('commands', traits.commands),
    present('market', cloud.market, 'Prices and sizes cannot be asked: zones are tried in turn.'),
    present(
      'portable',
      cloud.portable,
      'No instance can be made here of a portable definition: shadows of resources in other accounts are not placed here.',
    ),
  ]
}

function answer(name: CapabilityName, trait: Answer): Capability {
  if (!trait.supported) return no(name, trait.reason)
  const { supported: _supported, ...details } = trait
  return yes(name, details as JsonObject) // traits are plain data
}

const present = (name: CapabilityName, has: boolean, reason: string): Capability => (has ? yes(name) : no(name, reason))

/** Another zone is another host for certain; so is another place in a group that keeps its members apart. */
function separateHosts({ market, traits: { hostGroups } }: Abilities): Capability {
  if (!market && !hostGroups.supported)
    return no('separate-hosts', 'No zone can be asked for, and no group of hosts: nothing is certain about hosts.')
  return yes('separate-hosts', { by: [...(market ? ['zone'] : []), ...(hostGroups.supported ? ['group'] : [])] })
}

function traffic({ traffic: mechanisms }: Abilities): Capability {
  if (mechanisms === undefined) return no('traffic', 'Traffic cannot be moved yet: a stand-in can be made, and nothing sends requests to it.')
  return yes('traffic', { mechanisms: mechanisms as JsonObject }) // plain data
}
