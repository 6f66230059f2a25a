import { describe, expect, test } from 'vitest'
import { faultOfPaths, insideOf } from './chosen-paths.ts'
import { asideScript, compareScript, copyScript, mountScript, putBackScript, readLook } from './scripts.ts'

const chosen = { device: '/dev/sdf', mountedAt: '/data', paths: ['/data/a', '/data/b c'] }

describe('paths that could be read as anything else are refused', () => {
  test.each<[string, string]>([
    ['a quote', "/data/it's"],
    ['a line break', '/data/a\nrm -rf /'],
    ['a backslash', '/data/a\\b'],
    ['a step up', '/data/../etc/shadow'],
    ['a relative path', 'data/a'],
    ['an empty step', '/data//a'],
    ['a slash at the end', '/data/a/'],
    ['one outside of the disk', '/etc/a'],
    ['the whole disk', '/data'],
  ])('%s', (_what, path) => {
    expect(faultOfPaths({ ...chosen, paths: [path] })).toEqual(expect.any(String))
  })

  test('one that is below another, and one that is named twice', () => {
    expect(faultOfPaths({ ...chosen, paths: ['/data/a', '/data/a/b'] })).toContain('below another')
    expect(faultOfPaths({ ...chosen, paths: ['/data/a', '/data/a'] })).toContain('twice')
    expect(faultOfPaths(chosen)).toBeUndefined()
  })
})

test('the scripts name only the paths, quoted, below where the disk of then is mounted', () => {
  expect(insideOf(chosen, '/data/a')).toBe('/a')
  expect(copyScript(chosen, '/run/u')).toContain("cp -a '/run/u/b c' '/data/b c.understudy-new'")
  expect(compareScript(chosen, '/run/u')).toContain("diff -r '/run/u/a' '/data/a'")
  const seen = readLook('now:1\nkept:0\nkept:1\n')
  expect(seen).toEqual({ now: [1], kept: [0, 1] })
  expect(asideScript(chosen, seen, '/var/u')).toBe("mkdir -p '/var/u' && rm -rf '/var/u/1' && cp -a '/data/b c' '/var/u/1'")
  // What was not there before goes again.
  expect(putBackScript(chosen, seen, '/var/u')).toBe(
    "rm -rf '/data/a' '/data/a.understudy-new' && rm -rf '/data/b c' '/data/b c.understudy-new' && cp -a '/var/u/1' '/data/b c'",
  )
  const mount = mountScript(['/dev/x', '/dev/y'], '/run/u')
  expect(mount.split(' || ').every((attempt) => attempt.includes('mountpoint -q') || attempt.includes('-o ro'))).toBe(true)
})
