import type { Provider } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import { serialiser } from '@understudy/provider/adapter-kit'
import { type Adapter, call } from './adapter.ts'
import { azureBlocks } from './blocks.ts'
import { azureClients } from './clients.ts'
import { azureCommands } from './commands.ts'
import { azureCompute } from './compute.ts'
import { azureCopies } from './copies.ts'
import { azureDisks } from './disks.ts'
import { azureInventory } from './inventory.ts'
import { azureIsolation } from './isolation.ts'
import { azureLabels } from './labels.ts'
import { azureLeftovers } from './leftovers.ts'
import { azureMarket } from './market.ts'
import { azurePermissions } from './permissions.ts'
import { azurePortable } from './portable.ts'
import { scopeOf } from './settings.ts'
import type { AzureSettings } from './settings.ts'
import { sizeReader } from './sizes.ts'
import { azureSignals } from './signals.ts'
import { azureSnapshots } from './snapshots.ts'
import { azureTraffic } from './traffic.ts'
import { azureTraits } from './traits.ts'

const subscriptionsVersion = '2022-12-01'

/** The provider itself; importing this file loads the SDK. */
export function openAzureProvider(settings: AzureSettings) {
  const scope = scopeOf(settings)
  const clients = azureClients(settings)
  const adapter: Adapter = {
    scope,
    resourceGroup: settings.resourceGroup,
    installation: settings.installation,
    clock: settings.clock,
    clients,
    tagChanges: { active: new Map(), waiting: new Map() },
    oneByOne: serialiser(),
    waitMs: settings.waitMs ?? 500,
  }
  const sizes = sizeReader(adapter)
  const { snapshots, pollers } = azureSnapshots(adapter, sizes)
  return {
    scope,
    traits: azureTraits(settings),
    async identify({ signal } = {}) {
      const token = await call(() => clients.token(signal))
      await call(async () => {
        const { status } = await clients.get(`/subscriptions/${scope.account}?api-version=${subscriptionsVersion}`, signal)
        if (status !== 200) throw new Error(`Azure answered ${status} when asked for the subscription ${scope.account}.`)
      })
      return { account: scope.account, principal: principalIn(token) }
    },
    inventory: azureInventory(adapter, sizes),
    compute: azureCompute(adapter, pollers),
    labels: azureLabels(adapter),
    traffic: azureTraffic(adapter),
    permissions: azurePermissions(adapter),
    market: azureMarket(adapter, sizes),
    portable: azurePortable(scope, sizes),
    snapshots,
    copies: azureCopies(adapter),
    blocks: azureBlocks(adapter),
    disks: azureDisks(adapter),
    isolation: azureIsolation(adapter),
    signals: azureSignals(adapter),
    commands: azureCommands(adapter),
    leftovers: azureLeftovers(adapter),
    async close() {
      clients.destroy()
    },
  } satisfies Provider
}

/** Who a token is for: read, not verified, since it comes from the authority itself. */
function principalIn(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { readonly oid?: unknown; readonly appid?: unknown } // any JSON has or lacks members
    const principal = claims.oid ?? claims.appid
    if (typeof principal === 'string') return principal
  } catch {
    // Falls through: a token that cannot be read names nobody.
  }
  throw providerError('unauthorized', 'InvalidAuthenticationToken', 'The token of the authority does not say who it is for.')
}
