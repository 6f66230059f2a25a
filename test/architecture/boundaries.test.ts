import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ICruiseResult } from 'dependency-cruiser'
import { cruise } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { beforeAll, expect, test } from 'vitest'
import { findLines, readSources, root } from './sources.ts'

let result: ICruiseResult

beforeAll(async () => {
  // The parser that knows our TypeScript is optional to dependency-cruiser, which silently sees nothing without it.
  createRequire(import.meta.url).resolve('@swc/core')
  const options = await extractDepcruiseOptions(join(root, '.dependency-cruiser.cjs'))
  const cruised = await cruise(['apps', 'packages', 'scripts', 'test'], { ...options, baseDir: root, validate: true })
  if (typeof cruised.output === 'string') throw new Error('dependency-cruiser gave a text instead of its result')
  result = cruised.output
}, 180_000)

test('the whole project is looked at', () => {
  expect(result.summary.totalCruised).toBeGreaterThan(300)
  const folders = new Set(result.modules.map(({ source }) => source.split('/').slice(0, 2).join('/')))
  for (const folder of ['apps/api', 'apps/cli', 'apps/worker', 'packages/control', 'packages/persistence', 'packages/cloud-sim']) {
    expect(folders).toContain(folder)
  }
})

test('every import goes where the table in .dependency-cruiser.cjs allows', () => {
  expect(result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
})

test('the SDK of every provider stays in its package, without a rule written for it', () => {
  const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
    forbidden: { name: string; to: { path?: string } }[]
  }
  const providers = readdirSync(join(root, 'packages')).filter((name) => name.startsWith('provider-'))
  expect(providers.length).toBeGreaterThan(1)
  for (const name of providers) expect(forbidden.find((rule) => rule.name === `sdk-of-${name}-stays-in-it`)?.to.path, name).toMatch(/^node_modules/)
})

test('a room of control is entered only at the files that its index.ts offers', () => {
  const roomOf = (path: string): string | undefined => /^packages\/control\/src\/([^/]+)\//.exec(path)?.[1]
  const offered = new Set<string>()
  for (const { source, dependencies } of result.modules) {
    if (roomOf(source) !== undefined && source.endsWith('/index.ts')) for (const { resolved } of dependencies) offered.add(resolved)
  }
  const intrusions = result.modules
    .filter(({ source }) => roomOf(source) !== undefined && !source.endsWith('.test.ts'))
    .flatMap(({ source, dependencies }) => dependencies.map(({ resolved }) => ({ source, resolved })))
    .filter(({ source, resolved }) => roomOf(resolved) !== undefined && roomOf(resolved) !== roomOf(source))
    .filter(({ resolved }) => !resolved.endsWith('/index.ts') && !offered.has(resolved))
  expect(intrusions.map(({ source, resolved }) => `${source} → ${resolved}`)).toEqual([])
})

const sources = [...readSources('apps'), ...readSources('packages')]

test('the search below finds what it looks for', () => {
  expect(findLines(sources, /process\.env\b/, /^$/)).toContainEqual(expect.stringContaining('packages/testing/src/redis/config.ts'))
  expect(findLines(sources, /Date\.now\(\)/, /^$/)).toContainEqual(expect.stringContaining('packages/core/src/clock.ts'))
})

test('only config.ts files read the environment', () => {
  expect(findLines(sources, /process\.env\b/, /(^|\/|\.)config\.ts$|\/main\.ts$/)).toEqual([])
})

test('only main.ts files end the process or handle its signals', () => {
  expect(findLines(sources, /process\.(exit|abort)\(|process\.(on|once)\(\s*['"`]SIG|process\.exitCode\s*=/, /\/main\.ts$/)).toEqual([])
})

test('time and chance come from core, so that tests and simulations can steer them', () => {
  const owners = /^packages\/core\/src\/(clock|random)\.ts$|\/main\.ts$|^apps\/cli\// // The command line lives in real time only.
  expect(findLines(sources, /\bDate\.now\(\)|new Date\(\)|\bMath\.random\(/, owners)).toEqual([])
})

/** Names of clouds and of their services, as words or as parts of camel-cased ones. */
const cloudNames = [
  ...['aws', 'amazon', 'ec2', 'ebs', 'imds', 'sns', 'sqs', 'eventBridge', 'cloudWatch'],
  ...['azure', 'microsoft', 'entra', 'eventGrid'],
  ...['gcp', 'gce', 'google', 'pubSub', 'computeEngine'],
]
const cloudName = new RegExp(
  cloudNames
    .flatMap((name) => [`(?<![A-Za-z])${name}`, `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`, name.toUpperCase()])
    .map((name) => `${name}(?![a-z])`)
    .join('|'),
)
const neutralRooms = ['packages/control', 'packages/saga', 'apps/api'].flatMap((folder) => readSources(folder, { comments: true }))

test('the application, the engine and the API name no cloud: what differs is a capability, and adapters say it', () => {
  expect(neutralRooms.length).toBeGreaterThan(200)
  expect(findLines(neutralRooms, cloudName, /^$/)).toEqual([])
})

test('names of clouds are found as words, in camel case and in capitals, and not within other words', () => {
  for (const text of ["provider === 'aws'", 'AWS', 'awsAdapter', 'createAzureProvider', 'isGcp', 'an EC2 instance', 'googleKeys']) {
    expect(text).toMatch(cloudName)
  }
  for (const text of ['the laws of sagas', 'withdraws', 'a warm shadow', 'disarm-shadow', 'reentrant']) expect(text).not.toMatch(cloudName)
})
