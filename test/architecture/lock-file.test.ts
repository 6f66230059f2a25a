import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './sources.ts'

interface Entry {
  version?: string
  link?: boolean
  optionalDependencies?: Record<string, string>
}
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Entry> }

/** Looks as npm does: in the package's own node_modules, then in those above. */
function isLocked(from: string, name: string): boolean {
  const key = `${from === '' ? '' : `${from}/`}node_modules/${name}`
  if (packages[key] !== undefined) return true
  return from !== '' && isLocked(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
}

test('package-lock.json holds the packages of every platform, so that `npm ci` works on each', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  )
  expect(missing).toEqual([])
})

test('every locked package has its version', () => {
  expect(
    Object.entries(packages).flatMap(([path, { version, link }]) => (version === undefined && link !== true && path !== '' ? [path] : [])),
  ).toEqual([])
})
