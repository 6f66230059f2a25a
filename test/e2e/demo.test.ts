import { startTestRedis } from '@understudy/testing'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startCommand } from './helpers/command.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-demo-test-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** The region's clock runs fast, so that health checks, draining and shutting down take seconds. */
const env = () => ({ TMPDIR: directory, SIM_SPEED: '4' })

function expectSuccess(output: string): void {
  expect(output).toContain('runs 4 times as fast as yours')
  const names = [...output.matchAll(/^ +[\d.]+ s {3}(\S+(?: \S+)?) {2,}/gm)].map(([, name]) => name)
  const milestones = ['notice', 'redirect', 'stable', 'retired', 'promotion', 'new shadow']
  expect(names.filter((name) => milestones.includes(name ?? ''))).toEqual(milestones)
  const [, requests = '', perSecond = ''] = /Traffic: ([\d,]+) requests, (\d+) answered per second/.exec(output) ?? []
  expect(Number(perSecond)).toBeGreaterThanOrEqual(200)
  expect(output).toMatch(/^ {2}0 failed requests$/m)
  const answered = [...output.matchAll(/^ {2}(i-\w+) {2}(former primary|shadow, now primary) +([\d,]+) /gm)]
  expect(answered.map(([, , role]) => role)).toEqual(['former primary', 'shadow, now primary'])
  expect(new Set(answered.map(([, instance]) => instance)).size).toBe(2)
  expect(answered.reduce((sum, [, , , count = '']) => sum + numberOf(count), 0)).toBe(numberOf(requests))
}

const numberOf = (text: string): number => Number(text.replaceAll(',', ''))

it('moves 210 requests a second to the shadow and loses none, with the queue in PostgreSQL', async () => {
  const { code, output, errors } = await startCommand(['demo', '--rate', '210'], env()).ended
  expect({ code, errors }, output).toEqual({ code: 0, errors: '' })
  expectSuccess(output)
  expect(await readdir(directory)).toEqual([])
}, 300_000)

/** In real time: of the 30 s that two of the clouds give, a fast clock would leave what a busy machine needs for the calls alone. */
it('does so on AWS, Azure and Google Cloud at once, each inside its own notice, with the queue in Redis where there is one', async () => {
  const redis = await startTestRedis()
  const queue = redis === undefined ? {} : { REDIS_URL: redis.url }
  const demo = startCommand(['demo', '--rate', '210', '--clouds', 'aws,azure,gcp'], { TMPDIR: directory, ...queue })
  const { code, output, errors } = await demo.ended
  await redis?.stop()
  expect({ code, errors }, output).toEqual({ code: 0, errors: '' })
  if (redis !== undefined) expect(output).toContain(`Asking Redis at ${new URL(redis.url).host}`)
  expect(output.match(/^ {2}0 failed requests$/gm)).toHaveLength(3)
  const moved = [...output.matchAll(/Traffic moved after ([\d.]+) s, of a notice of (\d+) s/g)].map(([, seconds, notice]) =>
    [seconds, notice].map(Number),
  )
  expect(moved.map(([, notice]) => notice)).toEqual([120, 30, 30])
  for (const [seconds = Number.NaN, notice = 0] of moved) expect(seconds).toBeLessThanOrEqual(notice)
}, 400_000)

it('removes what it has made when it is cut off', async () => {
  const demo = startCommand(['demo'], env())
  await demo.until(/Traffic {4}250 requests per second/)
  demo.kill('SIGINT')
  const { code, errors } = await demo.ended
  expect({ code, errors }).toEqual({ code: 130, errors: '' })
  expect(await readdir(directory)).toEqual([])
}, 300_000)
