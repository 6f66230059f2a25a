import type { JsonObject } from '@understudy/core'
import { z } from 'zod'
import type { AzureState, VmRecord } from '../azure/state.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { scheduledEvents } from './scheduled-events.ts'

export const agentBody = z.strictObject({
  /** Of Understudy's API. */
  url: z.url({ protocol: /^https?$/ }),
  /** A key of the role operator. */
  apiKey: z.string().min(1),
  accountId: z.string().min(1),
})
/** Where the agents of an account's machines forward to. */
export type AgentSettings = z.infer<typeof agentBody>

/** How often an agent asks its machine's metadata service: what Azure recommends. */
const everyMs = 1_000

/**
 * The agents on the simulated machines. Azure tells nobody of an eviction or of maintenance but the machine itself: an agent on it reads the
 * scheduled events every second, and forwards the document as it is to `POST /v1/signals`, when it has changed, until that has been taken.
 */
export class GuestAgents {
  readonly settings: AgentSettings[]
  readonly #dataCentre: DataCentre
  readonly #state: AzureState
  readonly #onError: (error: unknown) => void
  readonly #unsubscribe: () => void
  readonly #pending = new Set<() => void>()
  /** What each agent is handing in, by machine: one document after the other, as a program does that waits for its answer. */
  readonly #handingIn = new Map<string, Promise<void>>()
  /** Ends with the machines: what an agent was handing in then is cut off, and is nobody's error. */
  readonly #closing = new AbortController()

  constructor(options: {
    readonly dataCentre: DataCentre
    readonly state: AzureState
    readonly settings: readonly AgentSettings[]
    readonly onError: (error: unknown) => void
  }) {
    this.#dataCentre = options.dataCentre
    this.#state = options.state
    this.#onError = options.onError
    this.settings = [...options.settings]
    this.#unsubscribe = options.dataCentre.subscribe((event) => {
      if (event.kind === 'cloud_event') for (const instanceId of concernedBy(event.event.detail)) this.#watch(instanceId)
    })
    // A notice that was running when the simulation ended is still in the metadata.
    for (const { instanceId } of this.#state.vms.values()) if (instanceId !== undefined) this.#watch(instanceId)
  }

  /** One for each account; a later one replaces the former. */
  set(agent: AgentSettings): void {
    const others = this.settings.filter(({ accountId }) => accountId !== agent.accountId)
    this.settings.splice(0, this.settings.length, ...others, agent)
  }

  close(): void {
    this.#unsubscribe()
    for (const cancel of this.#pending) cancel()
    this.#closing.abort()
  }

  #watch(instanceId: string): void {
    const machine = [...this.#state.vms.values()].find((vm) => vm.instanceId === instanceId)
    if (machine !== undefined && scheduledEvents(this.#dataCentre, machine) !== undefined)
      for (const agent of this.settings) this.#look(agent, machine)
  }

  /** At the agent's next look, and every second again until it has been taken or there is nothing to say any more. */
  #look(agent: AgentSettings, machine: VmRecord): void {
    const cancel = this.#dataCentre.clock.schedule(everyMs - ((this.#dataCentre.now() - machine.createdAtMs) % everyMs), () => {
      this.#pending.delete(cancel)
      const document = scheduledEvents(this.#dataCentre, machine)
      if (document === undefined) return
      this.#handIn(agent, machine, { nativeId: machine.id, document, uptimeSeconds: uptimeSeconds(this.#dataCentre, machine) })
    })
    this.#pending.add(cancel)
  }

  #handIn(agent: AgentSettings, machine: VmRecord, read: Parameters<typeof forward>[1]): void {
    const key = `${agent.accountId} ${machine.id}`
    const handedIn = (this.#handingIn.get(key) ?? Promise.resolve())
      .then(() => forward(agent, read, this.#closing.signal))
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return
        this.#onError(error)
        this.#look(agent, machine)
      })
      .finally(() => {
        if (this.#handingIn.get(key) === handedIn) this.#handingIn.delete(key)
      })
    this.#handingIn.set(key, handedIn)
  }
}

/** Whom an event of the data centre is about: one instance, or, where it is about plans for them, any number. */
function concernedBy(detail: JsonObject): string[] {
  const { 'instance-id': instanceId, affectedEntities: entities } = detail
  const planned = Array.isArray(entities) ? (entities as readonly { readonly entityValue?: unknown }[]).map(({ entityValue }) => entityValue) : [] // as it was published
  return [instanceId, ...planned].filter((id) => typeof id === 'string')
}

/** Of the guest. */
function uptimeSeconds(dataCentre: DataCentre, { instanceId = '' }: VmRecord): number {
  const { launchTimeMs = 0, rebootedAtMs = 0 } = dataCentre.instances.get(instanceId) ?? {}
  return (dataCentre.now() - Math.max(launchTimeMs, rebootedAtMs)) / 1000
}

/** `POST /v1/signals` with the document as it was read. */
async function forward(
  { url, apiKey, accountId }: AgentSettings,
  read: { readonly nativeId: string } & Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const { nativeId } = read
  const answer = await fetch(new URL('/v1/signals', url), {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ accountId, documentKind: 'scheduledevents', ...read }),
    signal,
  })
  // It says nothing that is of use there: an event that was taken back before anybody had heard of it. To repeat it would not help.
  if (answer.status === 400) return
  if (!answer.ok) throw new Error(`The agent on ${nativeId} was refused: ${answer.status} ${await answer.text()}`)
}
