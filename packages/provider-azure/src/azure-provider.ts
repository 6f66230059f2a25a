import type { Provider } from '@understudy/provider'
import { parseAzureDocument } from './event-parser.ts'
import type { openAzureProvider } from './open-provider.ts'
import { defineIn } from './portable.ts'
import { scopeOf } from './settings.ts'
import type { AzureSettings } from './settings.ts'
import { azureTraits } from './traits.ts'
import { trafficMechanisms } from './traffic/mechanism.ts'

type Opened = ReturnType<typeof openAzureProvider>
const trafficMethods = ['validate', 'state', 'followSeconds', 'drainSeconds', 'enrol', 'setWeights', 'remove'] as const
type Method = (...given: unknown[]) => Promise<unknown>

/**
 * One Azure subscription in one region, through the Azure SDK. Throws nothing; the first call shows whether the settings work. It also
 * loads the SDK, which takes seconds that a process without an account on Azure has no use for.
 */
export function createAzureProvider(settings: AzureSettings): Provider {
  let opened: Promise<Opened> | undefined
  const open = (): Promise<Opened> => (opened ??= import('./open-provider.ts').then((loaded) => loaded.openAzureProvider(settings)))
  /** These methods of a capability, each of which opens the provider first. Every one of them is asynchronous. */
  const deferred = <
    C extends
      | 'compute'
      | 'labels'
      | 'traffic'
      | 'snapshots'
      | 'copies'
      | 'blocks'
      | 'disks'
      | 'isolation'
      | 'commands'
      | 'leftovers'
      | 'permissions'
      | 'market'
      | 'portable'
      | 'signals',
    M extends keyof Opened[C],
  >(
    capability: C,
    methods: readonly M[],
  ): Pick<Opened[C], M> =>
    Object.fromEntries(
      methods.map((method) => [method, async (...given: unknown[]) => await ((await open())[capability][method] as Method)(...given)]),
    ) as Pick<Opened[C], M> // of exactly these names
  return {
    scope: scopeOf(settings),
    traits: azureTraits(settings),
    identify: async (options) => (await open()).identify(options),
    inventory: {
      describe: async (ref) => (await open()).inventory.describe(ref),
      async *list(filter) {
        yield* (await open()).inventory.list(filter)
      },
      states: async (refs) => (await open()).inventory.states(refs),
    },
    compute: deferred('compute', ['provision', 'start', 'stop', 'hold', 'resize', 'terminate', 'poll', 'adopt']),
    labels: deferred('labels', ['tag', 'rename', 'setProtection']),
    traffic: { mechanisms: trafficMechanisms, ...deferred('traffic', trafficMethods) },
    permissions: deferred('permissions', ['check']),
    market: deferred('market', ['zones', 'quotes', 'sizes']),
    portable: { define: defineIn(scopeOf(settings)), ...deferred('portable', ['fitting']) },
    snapshots: deferred('snapshots', ['capture', 'get', 'materialise', 'delete', 'deleteDisk']),
    copies: deferred('copies', ['regions', 'copy', 'get', 'delete']),
    blocks: deferred('blocks', ['open', 'close', 'list', 'read']),
    disks: deferred('disks', ['arrange', 'plug', 'unplug']),
    isolation: deferred('isolation', ['ensure', 'remove']),
    signals: { parse: parseAzureDocument, ...deferred('signals', ['scheduled']) },
    commands: deferred('commands', ['run', 'look', 'forget']),
    leftovers: deferred('leftovers', ['list', 'remove']),
    async close() {
      if (opened !== undefined) await (await opened).close()
    },
  }
}
