import { importResource, protectResource } from '@understudy/control'
import type { Tier } from '@understudy/control'
import { isAppError, pick } from '@understudy/core'
import type { Random } from '@understudy/core'
import type { TrafficMechanism } from '@understudy/provider'
import { runUntil, settled } from './run.ts'
import { seedService } from './service.ts'
import { minute } from './world.ts'
import type { SimWorld, Site } from './world.ts'

export interface Wishes {
  readonly services: number
  /** Of every service. Default: drawn, as the cloud has them. */
  readonly mechanism?: TrafficMechanism
  /** Default: drawn. */
  readonly tier?: (site: Site) => Tier
  /** Whether parked shadows may keep their memory. Default: drawn. */
  readonly memory?: boolean
}

/** Services that somebody has set up, imported and protected by whatever tier the cloud can keep. */
export async function populate(world: SimWorld, wishes: Wishes): Promise<void> {
  const { control, principal, random } = world
  for (let index = 0; index < wishes.services; index++) {
    const site = world.sites[index % world.sites.length]! // there is one at least
    const { dc, account, cloud } = site
    const name = `web-${index}`
    const seeded = seedService(dc, cloud, { name, mechanism: wishes.mechanism ?? anyMechanism(world, site), random })
    const { nativeId } = seeded
    await runUntil(world, world.clock.nowMs() + 4 * minute, () => dc.instances.get(nativeId)?.state === 'running')
    await settled(world, importResource(control, principal, { accountId: account.id, nativeId, name, traffic: seeded.traffic }))
    const find = () => world.inFlight.track(control.database.stores.resources.findByNativeIds(account.id, [nativeId]))
    let [resource] = await find()
    while (!resource) {
      await runUntil(world, world.clock.nowMs() + 1000)
      resource = (await find())[0]
    }
    const { id, version } = resource
    world.services.push({ site, resourceId: id, watched: { dc, entry: seeded.entry, resourceId: id } })
    await protect(world, { id, seenVersion: version, tier: wishes.tier?.(site) ?? anyTier(world, site, wishes.memory ?? true) })
  }
}

/** What the cloud refuses to promise is asked for as it says that it could be kept. */
async function protect(world: SimWorld, wish: { readonly id: string; readonly seenVersion: number; readonly tier: Tier }): Promise<void> {
  try {
    await settled(world, protectResource(world.control, world.principal, wish))
  } catch (error) {
    const nearest = isAppError(error) ? (error.details['nearest'] as { readonly tier: Tier } | undefined) : undefined
    if (nearest === undefined) throw error
    world.trace(`a tier is refused: ${(error as Error).message}`)
    await settled(world, protectResource(world.control, world.principal, { ...wish, tier: nearest.tier }))
  }
}

/** A name is asked by clients, of which a simulation has none. */
const simulated: readonly TrafficMechanism[] = ['lb-weight', 'lb-target', 'address-move']

const anyMechanism = ({ layout }: SimWorld, { provider }: Site): TrafficMechanism =>
  pick(
    layout,
    simulated.filter((mechanism) => provider.traffic?.mechanisms[mechanism] !== undefined),
  )

function anyTier({ random, layout }: SimWorld, { cloud, provider }: Site, memory: boolean): Tier {
  const readiness = pick(random, ['hot', 'hot', 'warm', 'parked', 'cold'] as const)
  const shadows = random.int(1, 2)
  const zones = pick(random, ['other', 'any'] as const)
  return {
    shadows,
    readiness,
    // A cloud that says nothing of its zones is known to have the primary's.
    zones: provider.market === undefined ? 'any' : zones,
    instanceType: readiness === 'warm' ? cloud.smallType : undefined,
    purchase: readiness === 'parked' ? 'on-demand' : pick(random, ['spot', 'on-demand'] as const),
    holdMemory: readiness === 'parked' && chance(layout) && memory,
    proofMaxAgeSeconds: pick(random, [300, 3600]),
    formerPrimary: pick(random, ['terminate', 'standby'] as const),
  }
}

const chance = (random: Random): boolean => random.next() < 0.5
