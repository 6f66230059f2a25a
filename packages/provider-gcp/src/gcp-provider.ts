import type { Provider } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { gcpCalls } from './clients.ts'
import { gcpCompute } from './compute.ts'
import { gcpCopies } from './copies.ts'
import { gcpDisks } from './disks.ts'
import { gcpInventory } from './inventory.ts'
import { gcpIsolation } from './isolation.ts'
import { gcpLabels } from './labels.ts'
import { machineTypes } from './machine-types.ts'
import { gcpPermissions } from './permissions.ts'
import { gcpMarket } from './market.ts'
import { gcpPortable } from './portable.ts'
import { scopeOf } from './settings.ts'
import type { GcpSettings } from './settings.ts'
import { gcpSignals } from './signals.ts'
import { gcpSnapshots } from './snapshots.ts'
import { gcpTraffic } from './traffic.ts'
import { gcpTraits } from './traits.ts'

/** One project in one region, through Google's SDK. Throws nothing; the first call shows whether the settings work. */
export function createGcpProvider(settings: GcpSettings): Provider {
  const { clock, random, installation } = settings
  const scope = scopeOf(settings)
  const calls = gcpCalls(settings)
  const adapter: Adapter = { scope, installation, clock, random, calls, machineTypes: machineTypes(calls) }
  const { snapshots, pollers } = gcpSnapshots(adapter)
  return {
    scope,
    traits: gcpTraits(settings),
    async identify({ signal } = {}) {
      // Compute Engine proves the credentials, and does not say whose they are.
      const { name } = await calls.getProject(signal)
      return { account: name ?? '', principal: (await calls.principal(signal)) ?? 'unknown' }
    },
    inventory: gcpInventory(adapter),
    compute: gcpCompute(adapter, pollers),
    labels: gcpLabels(adapter),
    traffic: gcpTraffic(adapter),
    snapshots,
    copies: gcpCopies(adapter),
    disks: gcpDisks(adapter),
    isolation: gcpIsolation(adapter),
    permissions: gcpPermissions(adapter),
    signals: gcpSignals(adapter, subscriptionOf(settings)),
    market: gcpMarket(adapter),
    portable: gcpPortable(adapter),
    async close() {
      await calls.close()
    },
  }
}

const subscriptionOf = ({ eventsSubscription: name, scope }: GcpSettings): string | undefined =>
  name === undefined || name.includes('/') ? name : `projects/${scope.account}/subscriptions/${name}`
