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

/** In real time, with a short notice: until that is over the former primary answers those who still know its address. */
it('fails over from AWS to a shadow on another cloud by a name, and loses no request', async () => {
  const demo = startCommand(['demo', '--cross', '--rate', '60', '--notice', '40'], { TMPDIR: directory })
  const { code, output, errors } = await demo.ended
  expect({ code, errors }, output).toEqual({ code: 0, errors: '' })
  const shadows = [...output.matchAll(/^ {2}Shadow {5}(Azure|Google Cloud) +(\S+) /gm)].map(([, cloud, id]) => ({ cloud, id }))
  expect(shadows.map(({ cloud }) => cloud).toSorted()).toEqual(['Azure', 'Google Cloud'])
  expect(output).toContain('boot-image-only')
  // Unless `--names` says otherwise.
  expect(output).toContain('www.example.com. in Cloud DNS answers with that address')
  expect(output).toMatch(/^ {2}0 failed requests$/m)
  const answered = [...output.matchAll(/^ {2}(\S+) {2}(AWS|Azure|Google Cloud), (former primary|now primary) +[\d,]+ /gm)]
  expect(answered.map(([, , , role]) => role)).toEqual(['former primary', 'now primary'])
  const [, id, cloud] = answered[1] ?? []
  expect(shadows).toContainEqual({ cloud, id })
  expect(output).toContain(`The service is on ${cloud} now, with a shadow on each of the other two clouds.`)
  expect(output).toMatch(/new shadow +\S+ on AWS, where the primary was/)
  expect(await readdir(directory)).toEqual([])
}, 400_000)
