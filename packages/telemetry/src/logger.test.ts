import { AppError, Secret } from '@understudy/core'
import { expect, test } from 'vitest'
import type { Logger } from './index.ts'
import { createLogger } from './index.ts'

function capture(options: { pretty?: boolean; level?: 'debug' | 'info' } = {}): {
  log: Logger
  text: () => string
  lines: () => Record<string, unknown>[]
} {
  let text = ''
  const log = createLogger({
    level: options.level ?? 'info',
    name: 'worker',
    pretty: options.pretty ?? false,
    destination: { write: (line) => (text += line) },
  })
  const lines = (): Record<string, unknown>[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { log, text: () => text, lines }
}

test('a line has its event, its level by name, its program and its fields', () => {
  const { log, lines } = capture()
  log.info('failover_started', { operationId: 'op_1' })
  expect(lines()).toEqual([{ level: 'info', name: 'worker', event: 'failover_started', operationId: 'op_1', time: expect.any(String) as unknown }])
})

test('a child adds its fields to every line, and lower levels are left out', () => {
  const { log, lines } = capture()
  const child = log.child({ resourceId: 'res_1' })
  child.debug('ignored')
  child.warn('lease_lost', { generation: 2 })
  expect(lines()).toMatchObject([{ event: 'lease_lost', resourceId: 'res_1', generation: 2 }])
})

test('secrets are replaced wherever they are', () => {
  const { log, text } = capture()
  log.child({ credentials: { accessKeyId: 'hunter2' } }).info('checked', {
    headers: { Authorization: 'Bearer hunter2', 'x-api-key': 'hunter2', set_cookie: 'hunter2' },
    list: [{ secretAccessKey: 'hunter2', session_token: 'hunter2' }],
    wrapped: new Secret('hunter2'),
    url: 'postgresql://user:hunter2@db/x',
    error: new AppError('unavailable', 'redis://:hunter2@cache failed', { cause: Object.assign(new Error('x'), { password: 'hunter2' }) }),
  })
  expect(text()).not.toContain('hunter2')
  expect(text()).toContain('postgresql://user:[redacted]@db/x')
})

test('an error is written with its whole chain of causes', () => {
  const { log, lines } = capture()
  log.error('step_failed', { error: new AppError('busy', 'outer', { cause: new Error('inner', { cause: 'root' }) }) })
  expect(lines()).toMatchObject([{ error: { type: 'AppError', kind: 'busy', message: 'outer', cause: { message: 'inner', cause: 'root' } } }])
})

test('a cycle among the fields ends', () => {
  const { log, text } = capture()
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  log.info('looped', { cycle })
  expect(text()).toContain('[too deep]')
})

test('the form for people is one line without stacks', () => {
  const { log, text } = capture({ pretty: true })
  log.error('step_failed', { step: 'traffic', error: new Error('outer', { cause: new Error('inner') }) })
  expect(text()).toMatch(/^\d\d:\d\d:\d\d error worker step_failed step=traffic Error: outer ← Error: inner\n$/)
})
