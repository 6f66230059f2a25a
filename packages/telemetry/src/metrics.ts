import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

/** What one metric is. Each package declares its metrics in one `metrics.ts`; a process registers them in its own `Metrics`. */
export interface MetricDefinition<Kind extends 'counter' | 'gauge' | 'histogram', Label extends string> {
  readonly kind: Kind
  readonly name: string
  readonly help: string
  readonly labels: readonly Label[]
  /** Upper bounds, histograms only. */
  readonly buckets?: readonly number[]
}
type AnyDefinition = MetricDefinition<'counter' | 'gauge' | 'histogram', string>
type Declaration<Label extends string> = { name: string; help: string; labels?: readonly Label[] }
type Labels<Label extends string> = Readonly<Record<Label, string | number>>

/** Seconds, from a hit in memory to the longest notice a cloud gives. */
export const secondsBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const

/** Counts events; the name ends in `_total`. Throws for a name that breaks the rules, when the file is loaded. */
export function defineCounter<const Label extends string = never>(declaration: Declaration<Label>): MetricDefinition<'counter', Label> {
  if (!declaration.name.endsWith('_total')) throw new Error(`counter ${declaration.name} must end in _total`)
  return define('counter', declaration)
}

/** A value that goes up and down. */
export const defineGauge = <const Label extends string = never>(declaration: Declaration<Label>): MetricDefinition<'gauge', Label> =>
  define('gauge', declaration)

/** A distribution; durations are in seconds, as Prometheus wants them, and the name says so. */
export const defineHistogram = <const Label extends string = never>(
  declaration: Declaration<Label> & { buckets?: readonly number[] },
): MetricDefinition<'histogram', Label> => ({ ...define('histogram', declaration), buckets: declaration.buckets ?? secondsBuckets })

function define<Kind extends 'counter' | 'gauge' | 'histogram', Label extends string>(
  kind: Kind,
  { name, help, labels = [] }: Declaration<Label>,
): MetricDefinition<Kind, Label> {
  if (!/^understudy_[a-z][a-z0-9_]*$/.test(name)) throw new Error(`metric ${name} must be snake case and start with understudy_`)
  if (help === '') throw new Error(`metric ${name} needs a help text`)
  return { kind, name, help, labels }
}

/** The metrics of one process, rendered for Prometheus. */
export interface Metrics {
  /** Registers definitions before their first value, so that a counter that never counted shows as 0. */
  declare(...definitions: AnyDefinition[]): void
  count<Label extends string>(definition: MetricDefinition<'counter', Label>, labels: Labels<Label>, by?: number): void
  set<Label extends string>(definition: MetricDefinition<'gauge', Label>, labels: Labels<Label>, value: number): void
  observe<Label extends string>(definition: MetricDefinition<'histogram', Label>, labels: Labels<Label>, value: number): void
  /** Prometheus text format. */
  text(): Promise<string>
  readonly contentType: string
}

/** `processMetrics` adds memory, CPU and event loop of this process; they keep a timer, so tests leave them out. */
export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry, prefix: 'understudy_' })
  const counter = lazily((definition) => new Counter(settingsOf(definition, registry)))
  const gauge = lazily((definition) => new Gauge(settingsOf(definition, registry)))
  const histogram = lazily(
    (definition) => new Histogram({ ...settingsOf(definition, registry), buckets: [...(definition.buckets ?? secondsBuckets)] }),
  )
  const register = { counter, gauge, histogram }
  return {
    declare: (...definitions) => definitions.forEach((definition) => register[definition.kind](definition)),
    count: (definition, labels, by = 1) => counter(definition).inc(labels, by),
    set: (definition, labels, value) => gauge(definition).set(labels, value),
    observe: (definition, labels, value) => histogram(definition).observe(labels, value),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

const settingsOf = (
  { name, help, labels }: AnyDefinition,
  registry: Registry,
): { name: string; help: string; labelNames: string[]; registers: Registry[] } => ({
  name,
  help,
  labelNames: [...labels],
  registers: [registry],
})

function lazily<M>(make: (definition: AnyDefinition) => M): (definition: AnyDefinition) => M {
  const made = new Map<string, M>()
  return (definition) => {
    const found = made.get(definition.name) ?? make(definition)
    made.set(definition.name, found)
    return found
  }
}
