import { expect, test } from 'vitest'
import { createMetrics, defineCounter, defineGauge, defineHistogram } from './index.ts'

const moved = defineCounter({ name: 'understudy_moved_total', help: 'Moves.', labels: ['outcome'] })
const waiting = defineGauge({ name: 'understudy_waiting', help: 'Waiting.' })
const took = defineHistogram({ name: 'understudy_move_seconds', help: 'Duration.', buckets: [0.1, 1] })

test('renders counters, gauges and histograms for Prometheus', async () => {
  const metrics = createMetrics()
  metrics.count(moved, { outcome: 'ok' })
  metrics.count(moved, { outcome: 'ok' }, 2)
  metrics.set(waiting, {}, 7)
  metrics.observe(took, {}, 0.5)
  const text = await metrics.text()
  expect(text).toContain('understudy_moved_total{outcome="ok"} 3')
  expect(text).toContain('understudy_waiting 7')
  expect(text).toContain('understudy_move_seconds_bucket{le="0.1"} 0')
  expect(text).toContain('understudy_move_seconds_bucket{le="1"} 1')
  expect(metrics.contentType).toContain('text/plain')
})

test('a declared gauge shows before its first value, and two processes do not share values', async () => {
  const one = createMetrics()
  const other = createMetrics()
  one.declare(waiting, moved)
  other.set(waiting, {}, 3)
  expect(await one.text()).toContain('understudy_waiting 0')
})

test('the metrics of the process itself carry our prefix', async () => {
  expect(await createMetrics({ processMetrics: true }).text()).toContain('understudy_process_cpu_seconds_total')
})

test('names that break the rules are refused where they are declared', () => {
  expect(() => defineGauge({ name: 'waiting', help: 'x' })).toThrow('start with understudy_')
  expect(() => defineCounter({ name: 'understudy_moved', help: 'x' })).toThrow('_total')
  expect(() => defineGauge({ name: 'understudy_waiting', help: '' })).toThrow('help')
})
