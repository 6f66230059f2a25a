import type { Clock } from '@understudy/core'
import type { OperationFailure } from './fault.ts'
import { invalid, notFound } from './fault.ts'
import { operatorOf } from './operator.ts'

interface Begun {
  readonly name: string
  readonly id: string
  /** Empty: of the region, or global. */
  readonly zone: string
  readonly region?: string
  readonly type: string
  readonly target: string
  readonly targetId: string
  readonly user?: string
  readonly requestId?: string
  readonly startedMs: number
  readonly isDone: () => boolean
  readonly failure?: OperationFailure
  endedMs?: number
}

/** What Compute Engine does after it has answered. An operation ends when the data centre has arrived where it was sent. */
export class Operations {
  readonly #project: string
  readonly #clock: Clock
  readonly #newId: () => string
  readonly #byName = new Map<string, Begun>()
  readonly #byRequest = new Map<string, string>()
  /** Not seen to have ended yet. */
  readonly #running = new Set<Begun>()

  constructor(project: string, clock: Clock, newId: () => string) {
    this.#project = project
    this.#clock = clock
    this.#newId = newId
  }

  /** The operation that this request id has begun before. The zero UUID is refused, as Google does. */
  known(requestId: string | undefined): object | undefined {
    if (requestId === undefined) return undefined
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(requestId) || /^[0-]+$/.test(requestId))
      throw invalid('requestId', requestId, 'The request id must be a valid UUID other than the zero UUID.')
    const name = this.#byRequest.get(requestId)
    return name === undefined ? undefined : this.#view(this.#need(name))
  }

  begin(
    operation: {
      readonly zone: string
      readonly region?: string
      readonly type: string
      readonly target: string
      readonly targetId: string
      readonly user?: string
    },
    how: { readonly requestId?: string | undefined; readonly isDone?: () => boolean; readonly failure?: OperationFailure },
  ): object {
    const id = this.#newId()
    const name = `operation-${this.#clock.nowMs()}-${id}`
    const begun: Begun = {
      ...operation,
      name,
      id,
      startedMs: this.#clock.nowMs(),
      isDone: how.isDone ?? (() => true),
      ...(how.failure === undefined ? {} : { failure: how.failure }),
      ...(how.requestId === undefined ? {} : { requestId: how.requestId }),
    }
    this.#byName.set(name, begun)
    this.#running.add(begun)
    if (how.requestId !== undefined) this.#byRequest.set(how.requestId, name)
    // The answer to the change itself never says that it is done.
    return {
      ...this.#view(begun),
      status: 'RUNNING',
      progress: 0,
      error: undefined,
      httpErrorStatusCode: undefined,
      httpErrorMessage: undefined,
      endTime: undefined,
    }
  }

  /** By its name, in its zone or region (empty: a global one). Its number, which the SDK shows as `name`, is not one. */
  get({ zone, region }: { readonly zone: string; readonly region: string }, name: string): object {
    const begun = this.#need(name)
    if (begun.zone !== zone || (begun.region ?? '') !== region) throw notFound(`projects/${this.#project}/zones/${zone}/operations/${name}`)
    return this.#view(begun)
  }

  /** Of everything so far, whatever a filter of comparisons says of which one has to hold. */
  list(filter: string): readonly { readonly zone: string; readonly view: object }[] {
    const comparisons = filter.split(/\sOR\s/).map((term) => {
      const [, field, value = ''] = /^\(?(operationType|targetId)="?([^")]+)"?\)?$/.exec(term.trim()) ?? []
      if (field === undefined) throw invalid('filter', filter, 'Invalid list filter expression.')
      return { field, value }
    })
    const found = [...this.#byName.values()].filter(({ type, targetId }) =>
      comparisons.some(({ field, value }) => (field === 'targetId' ? targetId : type) === value),
    )
    return found.map((begun) => ({ zone: begun.zone, view: this.#view(begun) }))
  }

  /** What can be written down: what an operation waits for cannot. */
  records(): readonly Omit<Begun, 'isDone'>[] {
    return [...this.#byName.values()].map((begun) => {
      this.#hasEnded(begun)
      const { isDone: _isDone, ...record } = begun
      return record
    })
  }
  /** One that was running ends when `isDone`, whatever it was waiting for. */
  restore(records: readonly Omit<Begun, 'isDone'>[], isDone: () => boolean): void {
    for (const record of records) {
      const begun = { ...record, isDone }
      this.#byName.set(record.name, begun)
      if (begun.endedMs === undefined) this.#running.add(begun)
      if (record.requestId !== undefined) this.#byRequest.set(record.requestId, record.name)
    }
  }

  /** Google does not say how long it remembers request ids; from now on, those so far mean nothing. */
  forgetRequests(): void {
    this.#byRequest.clear()
  }

  isDone(name: string): boolean {
    return this.#hasEnded(this.#need(name))
  }

  /** They end, and do what their end brings about, whether or not anybody asks. */
  look(): void {
    for (const begun of this.#running) this.#hasEnded(begun)
  }

  #need(name: string): Begun {
    const begun = this.#byName.get(name)
    if (begun === undefined) throw notFound(`projects/${this.#project}/operations/${name}`)
    return begun
  }

  #hasEnded(begun: Begun): boolean {
    if (begun.endedMs === undefined && (begun.failure !== undefined || begun.isDone())) begun.endedMs = this.#clock.nowMs()
    if (begun.endedMs === undefined) return false
    this.#running.delete(begun)
    return true
  }

  #view(begun: Begun): object {
    const ended = this.#hasEnded(begun)
    const time = (ms: number): string => new Date(ms).toISOString()
    const { failure } = begun
    const base = `https://www.googleapis.com/compute/v1/projects/${this.#project}`
    const region = begun.region === undefined ? undefined : `${base}/regions/${begun.region}`
    const scope = begun.zone === '' ? (region ?? `${base}/global`) : `${base}/zones/${begun.zone}`
    return {
      kind: 'compute#operation',
      id: begun.id,
      name: begun.name,
      ...(begun.zone === '' ? {} : { zone: `${base}/zones/${begun.zone}` }),
      ...(region === undefined ? {} : { region }),
      operationType: begun.type,
      user: begun.user ?? operatorOf(this.#project),
      ...(begun.requestId === undefined ? {} : { clientOperationId: begun.requestId }),
      targetLink: `${scope}/${begun.target}`,
      targetId: begun.targetId,
      status: ended ? 'DONE' : 'RUNNING',
      progress: ended ? 100 : 0,
      insertTime: time(begun.startedMs),
      startTime: time(begun.startedMs),
      selfLink: `${scope}/operations/${begun.name}`,
      ...(begun.endedMs === undefined ? {} : { endTime: time(begun.endedMs) }),
      ...(failure === undefined || !ended
        ? {}
        : {
            httpErrorStatusCode: failure.status,
            httpErrorMessage: 'SERVICE UNAVAILABLE',
            error: { errors: [{ code: failure.code, message: failure.message }] },
          }),
    }
  }
}
