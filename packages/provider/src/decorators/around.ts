import { isProviderError } from '../provider-error.ts'
import type { Provider } from '../provider.ts'
import type { CallContext } from '../refs.ts'

/** One call of the port, as a decorator sees it. */
export interface ProviderCall {
  /** `compute`, `traffic` …; empty for the methods of the provider itself. */
  readonly capability: string
  readonly method: string
  /** `compute.start`; `identify` for the provider's own. */
  readonly name: string
  readonly args: readonly unknown[]
  /** Of mutating calls. */
  readonly context: CallContext | undefined
  /** Aborts the call: of its context, or of its options. */
  readonly signal: AbortSignal | undefined
}

/** What a decorator does around a call; `next` makes it. */
export type Around = <Result>(call: ProviderCall, next: () => Promise<Result>) => Promise<Result>

/** Calls that no cloud sees, or that end the provider: decorators do not touch them. */
const untouched: ReadonlySet<string> = new Set(['signals.parse', 'portable.define', 'close', 'avoid.isAvoided', 'avoid.avoided'])
/** Calls that answer with an async iterable: what is decorated is its first step, which is the first request. */
const streamed: ReadonlySet<string> = new Set(['inventory.list'])

type Method = (...args: unknown[]) => unknown

/**
 * The same provider with `around` around every call of every capability, present and future. The values that are not
 * capabilities (`scope`, `traits`) and absent capabilities stay as they are.
 */
export function aroundProvider<P extends Provider>(provider: P, around: Around): P {
  return aroundMethods(provider, '', around)
}

function aroundMethods<T extends object>(target: T, capability: string, around: Around): T {
  const decorated = new Map<PropertyKey, unknown>()
  const get = (key: PropertyKey): unknown => {
    const value: unknown = Reflect.get(target, key)
    if (typeof key !== 'string') return value
    if (!decorated.has(key)) decorated.set(key, decorate(value, key))
    return decorated.get(key)
  }
  // The proxy stands before an empty object: before the real one, a frozen provider could not be shown with other methods.
  const shown: ProxyHandler<object> = {
    get: (_empty, key) => get(key),
    has: (_empty, key) => Reflect.has(target, key),
    ownKeys: () => Reflect.ownKeys(target),
    getOwnPropertyDescriptor: (_empty, key) =>
      Reflect.has(target, key) ? { value: get(key), enumerable: true, configurable: true, writable: false } : undefined,
  }
  return new Proxy({}, shown) as T

  function decorate(value: unknown, key: string): unknown {
    if (typeof value === 'function') return aroundMethod(target, value as Method, capability, key, around)
    return capability === '' && isCapability(value) ? aroundMethods(value, key, around) : value
  }
}

function aroundMethod(target: object, original: Method, capability: string, method: string, around: Around): Method {
  const name = capability === '' ? method : `${capability}.${method}`
  if (untouched.has(name)) return original.bind(target)
  const callOf = (args: readonly unknown[]): ProviderCall => {
    const context = args.findLast(isCallContext)
    return { capability, method, name, args, context, signal: context?.signal ?? signalOf(args.at(-1)) }
  }
  if (streamed.has(name)) {
    return (...args) => streamAround(callOf(args), () => original.apply(target, args) as AsyncIterable<unknown>, around)
  }
  return (...args) => around(callOf(args), async () => await original.apply(target, args))
}

async function* streamAround(call: ProviderCall, open: () => AsyncIterable<unknown>, around: Around): AsyncGenerator<unknown> {
  const iterator = open()[Symbol.asyncIterator]()
  try {
    let step = await around(call, () => iterator.next())
    while (step.done !== true) {
      yield step.value
      step = await iterator.next()
    }
  } finally {
    await iterator.return?.()
  }
}

/** A capability is a bundle of methods; `scope` and `traits` are data. */
function isCapability(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((member) => typeof member === 'function') || Object.getPrototypeOf(value) !== Object.prototype
}

const isCallContext = (value: unknown): value is CallContext =>
  typeof value === 'object' && value !== null && 'idempotencyKey' in value && 'priority' in value && 'tags' in value

function signalOf(options: unknown): AbortSignal | undefined {
  const signal = typeof options === 'object' && options !== null && 'signal' in options ? options.signal : undefined
  return signal instanceof AbortSignal ? signal : undefined
}

/** How a call ended, as one word: `ok`, a kind of provider error, or `bug` for anything else thrown. */
export const outcomeOf = (error: unknown): string => (isProviderError(error) ? error.kind : 'bug')
