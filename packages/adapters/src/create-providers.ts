import type { Account, AccountStore, Providers, Vault } from '@understudy/control'
import { cloudSettings } from '@understudy/control'
import { AppError } from '@understudy/core'
import type { Clock, JsonObject, Random } from '@understudy/core'
import type { AddressGuard, Adapter, Provider } from '@understudy/provider'

export interface ProvidersOptions {
  readonly adapters: readonly Adapter[]
  readonly accounts: () => AccountStore
  readonly vault: Vault
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  /** Asked about every address that is connected to. */
  readonly guard?: AddressGuard
  /** Metrics, rate limits, circuit breaking: what every provider is wrapped in. */
  readonly decorate?: (provider: Provider, account: Account) => Provider
}

/** Opens one provider per account and keeps it until the account changes. */
export function createProviders(options: ProvidersOptions): Providers & { close(): Promise<void> } {
  const byName = new Map(options.adapters.map((adapter) => [adapter.name, adapter]))
  const open = new Map<string, { readonly version: number; readonly provider: Promise<Provider> }>()

  const create = async (account: Account): Promise<Provider> => {
    const adapter = byName.get(account.provider)
    if (!adapter) throw new AppError('unsupported', `No adapter is called ${account.provider}. There are: ${[...byName.keys()].join(', ')}.`)
    const sealed = await options.accounts().credentials(account.id)
    if (!sealed) throw new AppError('not_found', `The account ${account.id} has been deleted.`)
    const credentials = JSON.parse(options.vault.open(sealed, account.id)) as JsonObject // sealed by us from a checked object
    const { region, settings } = account
    const { installation, clock, random } = options
    const provider = adapter.create({
      account: account.nativeAccount ?? account.id,
      region,
      settings: cloudSettings(settings),
      credentials,
      installation,
      clock,
      random,
      ...(options.guard ? { guard: options.guard } : {}),
    })
    return options.decorate?.(provider, account) ?? provider
  }

  return {
    names: [...byName.keys()],
    adapter: (name) => byName.get(name),
    open(account) {
      const known = open.get(account.id)
      if (known && known.version >= account.version) return known.provider
      const provider = create(account)
      open.set(account.id, { version: account.version, provider })
      // A failed opening is not remembered.
      provider.catch(() => open.delete(account.id))
      void known?.provider.then((old) => old.close()).catch(() => undefined)
      return provider
    },
    async close() {
      const all = [...open.values()]
      open.clear()
      await Promise.allSettled(all.map(async ({ provider }) => (await provider).close()))
    },
  }
}
