import { adapters } from '@understudy/adapters'
import { ownTags, sleep, systemClock, systemRandom } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { InstanceRef, Provider, ResourceDna, Traffic, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { ConformanceWorld } from '@understudy/provider/conformance'
import type { LiveConfig } from './config.ts'
import { deleteEverything, ended, liveInstallation, newContext, noting } from './made.ts'

/**
 * The conformance suite's world over a real account, by any adapter. Instances are copies of a template; entry points are those
 * that a person has set up. It deletes what a former run has left before it begins, and everything at its end.
 */
export async function liveWorld(config: LiveConfig): Promise<ConformanceWorld> {
  const adapter = adapters.find(({ name }) => name === config.cloud)
  if (adapter === undefined) throw new Error(`There is no adapter ${config.cloud}; there are ${adapters.map(({ name }) => name).join(', ')}.`)
  const { settings, credentials, account, region } = config
  const problems = adapter.validate({ settings, credentials })
  if (problems.length > 0) throw new Error(`The account is not valid: ${problems.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}.`)
  const clock = systemClock()
  const opened: Provider[] = []
  const open = (): Provider => {
    const made = adapter.create({ account, region, settings, credentials, installation: liveInstallation, clock, random: systemRandom })
    opened.push(made)
    return noting(made, config.journal)
  }
  const provider = open()
  await deleteEverything(provider, clock, config.journal)
  const template = await templateOf(provider, config)
  return {
    provider,
    freshProvider: open,
    clock,
    live: true,
    entryPoints: Object.keys(config.entryPoints) as TrafficMechanism[], // checked by `liveConfig`
    run: (work) => work,
    advance: (ms) => sleep(clock, ms),
    zoneOther: config.zones[1],
    zoneThird: config.zones[2],
    typeOther: config.typeOther,
    ...controls({ provider, clock, template, config }),
    async close() {
      try {
        await deleteEverything(provider, clock, config.journal)
      } finally {
        for (const each of opened) await each.close()
      }
    },
  }
}

async function templateOf(provider: Provider, { template, cloud, account, region }: LiveConfig): Promise<ResourceDna> {
  const dna = await provider.inventory.describe({ provider: cloud, account, region, ...template })
  if (dna === undefined) throw new Error(`There is no template ${template.nativeId} in ${template.zone}.`)
  const roles = dna.disks.map(({ role }) => role).join(' ')
  if (roles !== 'root data') throw new Error(`The template must have a root disk and one data disk; it has: ${roles}.`)
  return dna
}

interface Live {
  readonly provider: Provider
  readonly clock: ReturnType<typeof systemClock>
  readonly template: ResourceDna
  readonly config: LiveConfig
}
type Controls = Omit<
  ConformanceWorld,
  'provider' | 'freshProvider' | 'clock' | 'live' | 'entryPoints' | 'run' | 'advance' | 'zoneOther' | 'zoneThird' | 'typeOther' | 'close'
>

function controls({ provider, clock, template, config }: Live): Controls {
  const impossible = (what: string) => (): never => {
    throw new Error(`A real cloud cannot be made to ${what}: the suite should have skipped this.`)
  }
  let made = 0
  return {
    async makePrimary({ purchase = 'on-demand' } = {}) {
      made += 1
      const spec = {
        name: `live-${made}`,
        power: 'running',
        instanceType: template.size.type,
        purchase,
        zone: config.zones[0],
        disks: { from: 'image' },
      } as const
      const context = newContext({ [ownTags.installation]: liveInstallation, [ownTags.role]: 'primary' })
      return await ended(provider, clock, await provider.compute.provision(template, spec, context))
    },
    makeBinding: (mechanism, member) => bind({ provider, clock, template, config }, mechanism, member),
    // The suite asks only where nothing watches, and goes on asking until the answer is yes.
    answers: () => true,
    async request({ mechanism }) {
      try {
        const answer = await fetch(config.entryPoints[mechanism]?.url ?? '', { signal: AbortSignal.timeout(5_000) })
        return answer.ok ? (await answer.text()).trim() : undefined
      } catch {
        return undefined
      }
    },
    /** As the provider sees it: nobody else looks at a real account. */
    async countOf(key) {
      const { instances, disks, snapshotSets } = await provider.compute.adopt(key)
      const sets = await Promise.all(snapshotSets.map(async (set) => await provider.snapshots?.get(set)))
      return { instances: instances.length, looseDisks: disks.length, snapshots: sets.flatMap((set) => set?.members ?? []).length }
    },
    failNext: impossible('fail'),
    exhaust: impossible('run out of room'),
    loseNextAnswer: impossible('lose an answer'),
    interrupt: impossible('interrupt an instance'),
    scheduleMaintenance: impossible('plan maintenance'),
    cancelMaintenance: impossible('take maintenance back'),
    pushed: impossible('show what it has pushed'),
    writeDisk: impossible('write on a disk from outside'),
    readDisk: impossible('show the bytes of a disk'),
  }
}

/** The entry point with this instance as its only member. */
async function bind({ provider, clock, config }: Live, mechanism: TrafficMechanism, ref: InstanceRef): Promise<TrafficBinding> {
  const { traffic } = provider
  const entry = config.entryPoints[mechanism]
  if (traffic === undefined || entry === undefined) throw new Error(`There is no entry point for ${mechanism}.`)
  const binding = { mechanism, native: entry.native }
  await takeOffline(traffic, binding, ref)
  await traffic.enrol(binding, ref, newContext())
  const watched = traffic.mechanisms[mechanism]?.unwatched !== true
  const isHealthy = async (): Promise<boolean> =>
    (await traffic.state(binding)).find(({ nativeId }) => nativeId === ref.nativeId)?.health === 'healthy'
  for (const untilMs = clock.nowMs() + 10 * 60_000; watched && !(await isHealthy());) {
    if (clock.nowMs() > untilMs) throw new Error(`${ref.nativeId} did not become healthy behind ${mechanism}.`)
    await sleep(clock, 2_000)
  }
  await traffic.setWeights(binding, [{ ref, weight: 100 }], newContext())
  await removeOthers(traffic, binding, ref)
  // Those who still finish what they have would be seen by the case that follows.
  for (const untilMs = clock.nowMs() + 10 * 60_000; (await traffic.state(binding)).length > 1;) {
    if (clock.nowMs() > untilMs) throw new Error(`Others than ${ref.nativeId} stay behind ${mechanism}.`)
    await sleep(clock, 2_000)
  }
  return binding
}

/** Takes out whoever an earlier case has left. A name cannot be without anybody: it is taken over instead. */
async function takeOffline(traffic: Traffic, binding: TrafficBinding, ref: InstanceRef): Promise<void> {
  try {
    await traffic.setWeights(binding, [], newContext())
    await removeOthers(traffic, binding, ref)
  } catch (error) {
    if (!isProviderError(error, 'unsupported')) throw error
  }
}

async function removeOthers(traffic: Traffic, binding: TrafficBinding, ref: InstanceRef): Promise<void> {
  for (const { nativeId, health } of await traffic.state(binding)) {
    if (nativeId !== ref.nativeId && health !== 'draining') await traffic.remove(binding, { ...ref, nativeId }, newContext())
  }
}
