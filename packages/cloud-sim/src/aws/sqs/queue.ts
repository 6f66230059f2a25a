import type { Clock, Random } from '@understudy/core'
import { createHash } from 'node:crypto'
import { SimError } from '../../datacentre/sim-error.ts'
import { randomHex, randomUuid } from '../random-text.ts'

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export interface StoredMessage {
  readonly id: string
  readonly body: string
  readonly attributes: Readonly<Record<string, MessageAttribute>>
  readonly sentMs: number
  /** Not shown before. */
  visibleMs: number
  firstReceivedMs: number | undefined
  receiveCount: number
  /** Of the latest receive; an older one no longer changes the message. */
  receiptHandle: string | undefined
}

export interface QueueSettings {
  visibilityTimeoutSeconds: number
  waitTimeSeconds: number
  delaySeconds: number
  retentionSeconds: number
  policy: string | undefined
}

/** What a queue is on disk. */
export interface QueueState {
  readonly name: string
  readonly createdMs: number
  readonly modifiedMs: number
  readonly settings: QueueSettings
  readonly messages: readonly StoredMessage[]
}

/** Delivery that a standard queue is allowed to have and rarely has. */
export interface QueueDisorder {
  /** Probability that a delivered message is delivered once more. */
  duplicate: number
  /** Probability that a receive takes its messages from the far end. */
  reorder: number
}

interface Waiter {
  readonly take: () => boolean
  readonly end: () => void
}

/** The limit of a standard queue; the real service answers `OverLimit` above it. */
const maxInFlight = 120_000

/**
 * One standard queue: at least once, order not promised. A receive hides messages until their visibility timeout and hands
 * out a receipt handle; a receive with a wait time really waits until something arrives.
 */
export class Queue {
  readonly name: string
  readonly createdMs: number
  readonly settings: QueueSettings
  readonly disorder: QueueDisorder = { duplicate: 0, reorder: 0 }
  modifiedMs: number
  #purgedMs = Number.NEGATIVE_INFINITY
  #ready: StoredMessage[] = []
  /** Hidden messages, in flight or delayed, by message id. */
  #hidden = new Map<string, StoredMessage>()
  #nextVisibleMs = Number.POSITIVE_INFINITY
  #waiters = new Set<Waiter>()
  #wakePlanned = false
  #cancelTimer: (() => void) | undefined
  readonly #clock: Clock
  readonly #wallClock: Clock
  readonly #random: Random
  readonly #changed: () => void

  constructor(options: {
    name: string
    clock: Clock
    /** The time of callers, who say how long they hold a connection. */
    wallClock: Clock
    random: Random
    settings?: Partial<QueueSettings>
    onChange?: () => void
    state?: QueueState
  }) {
    const { name, clock, random, state } = options
    this.name = name
    this.#clock = clock
    this.#wallClock = options.wallClock
    this.#random = random
    this.#changed = options.onChange ?? (() => undefined)
    this.createdMs = state?.createdMs ?? clock.nowMs()
    this.modifiedMs = state?.modifiedMs ?? clock.nowMs()
    this.settings = {
      visibilityTimeoutSeconds: 30,
      waitTimeSeconds: 0,
      delaySeconds: 0,
      retentionSeconds: 345_600,
      policy: undefined,
      ...options.settings,
      ...state?.settings,
    }
    for (const message of state?.messages ?? []) this.#place({ ...message })
  }

  send(body: string, attributes: Readonly<Record<string, MessageAttribute>> = {}, delaySeconds = this.settings.delaySeconds): StoredMessage {
    const nowMs = this.#clock.nowMs()
    const message: StoredMessage = {
      id: randomUuid(this.#random),
      body,
      attributes,
      sentMs: nowMs,
      visibleMs: nowMs + delaySeconds * 1000,
      firstReceivedMs: undefined,
      receiveCount: 0,
      receiptHandle: undefined,
    }
    this.#place(message)
    this.#changed()
    this.#wakeSoon()
    return message
  }

  /** Waits up to `waitSeconds` of the caller's time for the first message; then takes what is there, at most `max`. */
  receive(options: { max: number; visibilitySeconds: number; waitSeconds: number; signal?: AbortSignal }): Promise<StoredMessage[]> {
    const taken = this.#take(options.max, options.visibilitySeconds)
    if (taken.length > 0 || options.waitSeconds <= 0) return Promise.resolve(taken)
    return new Promise((resolve) => {
      const settle = (messages: StoredMessage[]): void => {
        this.#waiters.delete(waiter)
        cancel()
        options.signal?.removeEventListener('abort', onAbort)
        resolve(messages)
      }
      // The client has hung up: a message taken for it now would only be hidden from the others.
      const onAbort = (): void => settle([])
      const waiter: Waiter = {
        end: () => settle([]),
        take: () => {
          const messages = this.#take(options.max, options.visibilitySeconds)
          if (messages.length > 0) settle(messages)
          return messages.length > 0
        },
      }
      const cancel = this.#wallClock.schedule(options.waitSeconds * 1000, () => settle([]))
      options.signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      this.#plan()
    })
  }

  /** Deletes by receipt handle. A handle of an earlier receive is accepted and may do nothing, as the service says. */
  delete(receiptHandle: string): void {
    const id = this.#idOf(receiptHandle)
    const message = this.#hidden.get(id)
    if (message?.receiptHandle === receiptHandle) this.#hidden.delete(id)
    else this.#ready = this.#ready.filter((ready) => ready.receiptHandle !== receiptHandle)
    this.#changed()
  }

  changeVisibility(receiptHandle: string, seconds: number): void {
    const message = this.#hidden.get(this.#idOf(receiptHandle))
    if (message === undefined || message.receiptHandle !== receiptHandle || message.visibleMs <= this.#clock.nowMs())
      throw new SimError(
        'MessageNotInflight',
        `Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: Message is not available for visibility timeout change.`,
      )
    message.visibleMs = this.#clock.nowMs() + seconds * 1000
    this.#nextVisibleMs = Math.min(this.#nextVisibleMs, message.visibleMs)
    this.#changed()
    this.#wakeSoon()
  }

  purge(): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#purgedMs < 60_000)
      throw new SimError('PurgeQueueInProgress', `Only one PurgeQueue operation on ${this.name} is allowed every 60 seconds.`, 403)
    this.#purgedMs = nowMs
    this.#ready = []
    this.#hidden.clear()
    this.#changed()
  }

  counts(): { visible: number; inFlight: number; delayed: number } {
    this.#surface()
    let inFlight = 0
    for (const message of this.#hidden.values()) if (message.receiveCount > 0) inFlight += 1
    return { visible: this.#ready.length, inFlight, delayed: this.#hidden.size - inFlight }
  }

  /** Ends every waiting receive with nothing; the queue must not be used afterwards. */
  close(): void {
    this.#cancelTimer?.()
    for (const waiter of [...this.#waiters]) waiter.end()
    this.#ready = []
    this.#hidden.clear()
  }

  state(): QueueState {
    return {
      name: this.name,
      createdMs: this.createdMs,
      modifiedMs: this.modifiedMs,
      settings: { ...this.settings },
      messages: [...this.#ready, ...this.#hidden.values()],
    }
  }

  #place(message: StoredMessage): void {
    if (message.visibleMs <= this.#clock.nowMs()) this.#ready.push(message)
    else this.#hide(message)
  }

  #hide(message: StoredMessage): void {
    this.#hidden.set(message.id, message)
    this.#nextVisibleMs = Math.min(this.#nextVisibleMs, message.visibleMs)
  }

  /** Brings hidden messages back whose time has come, and drops what is older than the retention. */
  #surface(): void {
    const nowMs = this.#clock.nowMs()
    if (this.#nextVisibleMs <= nowMs) {
      this.#nextVisibleMs = Number.POSITIVE_INFINITY
      for (const message of this.#hidden.values()) {
        if (message.visibleMs > nowMs) this.#nextVisibleMs = Math.min(this.#nextVisibleMs, message.visibleMs)
        else {
          this.#hidden.delete(message.id)
          this.#ready.push(message)
        }
      }
    }
    const oldestMs = nowMs - this.settings.retentionSeconds * 1000
    while (this.#ready[0] !== undefined && this.#ready[0].sentMs < oldestMs) this.#ready.shift()
  }

  #take(max: number, visibilitySeconds: number): StoredMessage[] {
    this.#surface()
    if (this.#ready.length === 0) return []
    if (this.#hidden.size >= maxInFlight) throw new SimError('OverLimit', `Too many messages in flight for queue ${this.name}`, 403)
    const fromTheEnd = this.disorder.reorder > 0 && this.#random.next() < this.disorder.reorder
    const taken = fromTheEnd ? this.#ready.splice(-max).toReversed() : this.#ready.splice(0, max)
    const nowMs = this.#clock.nowMs()
    for (const message of taken) {
      message.receiveCount += 1
      message.firstReceivedMs ??= nowMs
      message.receiptHandle = `${message.id}.${randomHex(this.#random, 48)}`
      const again = this.disorder.duplicate > 0 && this.#random.next() < this.disorder.duplicate
      message.visibleMs = again ? nowMs : nowMs + visibilitySeconds * 1000
      this.#hide(message)
    }
    this.#changed()
    // What is handed out stands still; the stored message goes on being received.
    return taken.map((message) => ({ ...message }))
  }

  #idOf(receiptHandle: string): string {
    const [id, secret] = receiptHandle.split('.')
    if (id?.length !== 36 || secret?.length !== 48)
      throw new SimError('ReceiptHandleIsInvalid', `The input receipt handle "${receiptHandle.slice(0, 80)}" is not a valid receipt handle.`)
    return id
  }

  /** Waiters are served after the sender's loop, so that a burst is received in tens and not one by one. */
  #wakeSoon(): void {
    if (this.#wakePlanned || this.#waiters.size === 0) return
    this.#wakePlanned = true
    queueMicrotask(() => {
      this.#wakePlanned = false
      for (const waiter of this.#waiters) if (!waiter.take()) break
      this.#plan()
    })
  }

  /** While somebody waits, a timer stands at the moment the next hidden message comes back. */
  #plan(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#waiters.size === 0 || this.#nextVisibleMs === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#clock.schedule(Math.max(0, this.#nextVisibleMs - this.#clock.nowMs()), () => this.#wakeSoon())
  }
}

export const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** The digest the service returns for message attributes: names sorted, each part preceded by its length. */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  const names = Object.keys(attributes).toSorted()
  if (names.length === 0) return undefined
  const digest = createHash('md5')
  const part = (bytes: Buffer): void => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    digest.update(length).update(bytes)
  }
  for (const name of names) {
    const attribute = attributes[name]
    if (attribute === undefined) continue
    part(Buffer.from(name))
    part(Buffer.from(attribute.DataType))
    const binary = attribute.BinaryValue !== undefined
    digest.update(Buffer.from([binary ? 2 : 1]))
    part(binary ? Buffer.from(attribute.BinaryValue ?? '', 'base64') : Buffer.from(attribute.StringValue ?? ''))
  }
  return digest.digest('hex')
}
