import type { Clock, Random } from '@understudy/core'
import { SimError } from '../../datacentre/sim-error.ts'
import type { EventBridgeEvent } from '../../datacentre/types.ts'
import { Queue, type QueueSettings, type QueueState } from './queue.ts'

/** Every region has this queue; each event its data centre emits is delivered there as a rule with an SQS target would. */
export const eventsQueueName = 'understudy-events'

/** The queues of one region. */
export class QueueService {
  readonly account: string
  readonly #queues = new Map<string, Queue>()
  readonly #options: { clock: Clock; wallClock: Clock; random: Random; onChange?: () => void }

  constructor(account: string, options: { clock: Clock; wallClock: Clock; random: Random; onChange?: () => void; state?: readonly QueueState[] }) {
    this.account = account
    this.#options = options
    for (const state of options.state ?? []) this.#queues.set(state.name, new Queue({ ...options, name: state.name, state }))
    if (!this.#queues.has(eventsQueueName)) this.create(eventsQueueName, { waitTimeSeconds: 20, retentionSeconds: 3600 })
  }

  create(name: string, settings: Partial<QueueSettings>): Queue {
    if (!/^[\w-]{1,80}$/.test(name))
      throw new SimError('InvalidParameterValue', 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length')
    const existing = this.#queues.get(name)
    if (existing !== undefined) {
      const differs = (Object.keys(settings) as (keyof QueueSettings)[]).some((key) => settings[key] !== existing.settings[key])
      if (differs) throw new SimError('QueueNameExists', `A queue already exists with the same name and a different value for one of its attributes`)
      return existing
    }
    const queue = new Queue({ ...this.#options, name, settings })
    this.#queues.set(name, queue)
    this.#options.onChange?.()
    return queue
  }

  remove(name: string): void {
    this.get(name).close()
    this.#queues.delete(name)
    this.#options.onChange?.()
  }

  get(name: string): Queue {
    const queue = this.#queues.get(name)
    if (queue === undefined) throw new SimError('QueueDoesNotExist', 'The specified queue does not exist.')
    return queue
  }

  /** The queue a URL names; only its last two parts count, so that a URL survives a restart on another port. */
  byUrl(url: string): Queue {
    const [name, account] = url.split('/').toReversed()
    if (name === undefined || account !== this.account) throw new SimError('QueueDoesNotExist', 'The specified queue does not exist.')
    return this.get(name)
  }

  names(prefix = ''): string[] {
    return [...this.#queues.keys()].filter((name) => name.startsWith(prefix)).toSorted()
  }

  deliver(event: EventBridgeEvent): void {
    this.get(eventsQueueName).send(JSON.stringify(event))
  }

  state(): QueueState[] {
    return [...this.#queues.values()].map((queue) => queue.state())
  }

  close(): void {
    for (const queue of this.#queues.values()) queue.close()
  }
}
