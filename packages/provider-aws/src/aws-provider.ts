import type { Provider, Traits } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { awsBlocks } from './blocks.ts'
import { awsCalls } from './clients.ts'
import { awsCopies } from './copies.ts'
import { awsCommands } from './commands.ts'
import { awsCompute } from './compute.ts'
import { freshness } from './freshness.ts'
import { instanceReader } from './instance-reader.ts'
import { instanceTypes } from './instance-types.ts'
import { awsDisks } from './disks.ts'
import { awsInventory } from './inventory.ts'
import { awsIsolation } from './isolation.ts'
import { awsLabels } from './labels.ts'
import { awsMarket } from './market.ts'
import { awsPortable } from './portable.ts'
import { ownActions } from './own-actions.ts'
import { awsPermissions } from './permissions.ts'
import { scopeOf } from './settings.ts'
import type { AwsSettings } from './settings.ts'
import { awsSignals } from './signals.ts'
import { awsSnapshots } from './snapshots.ts'
import { awsTraffic } from './traffic.ts'
import { awsTraits } from './traits.ts'

/** One AWS account in one region, through the AWS SDK. Throws nothing; the first call shows whether the settings work. */
export function createAwsProvider(settings: AwsSettings): Provider {
  const { clock, random, installation } = settings
  const scope = scopeOf(settings)
  const calls = awsCalls(settings)
  const adapter: Adapter = {
    scope,
    installation,
    clock,
    random,
    calls,
    fresh: freshness(clock),
    instances: instanceReader(calls, clock),
    instanceTypes: instanceTypes(calls, clock),
    ownActions: ownActions(clock),
  }
  const { snapshots, pollers } = awsSnapshots(adapter)
  const traits: Traits = awsTraits(settings)
  return {
    scope,
    traits,
    async identify({ signal } = {}) {
      const { Account: account = '', Arn: principal = '' } = await calls.getCallerIdentity(signal)
      return { account, principal }
    },
    inventory: awsInventory(adapter),
    compute: awsCompute(adapter, pollers),
    labels: awsLabels(adapter),
    traffic: awsTraffic(adapter),
    snapshots,
    blocks: awsBlocks(adapter),
    copies: awsCopies(adapter),
    disks: awsDisks(adapter),
    isolation: awsIsolation(adapter),
    commands: awsCommands(adapter),
    signals: awsSignals(adapter, settings.eventsQueueUrl),
    market: awsMarket(adapter),
    portable: awsPortable(adapter),
    permissions: awsPermissions(adapter, settings.eventsQueueUrl),
    async close() {
      calls.destroy()
    },
  }
}
