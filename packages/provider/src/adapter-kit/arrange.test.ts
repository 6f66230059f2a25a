import { expect, test } from 'vitest'
import type { DiskPlace } from '../capabilities/disks.ts'
import { nextMoves } from './arrange.ts'
import type { Plug } from './arrange.ts'

const place = (deviceKey: string, nativeId: string, deleteWithInstance = false): DiskPlace => ({
  deviceKey,
  disk: { provider: 'sim', account: '1', region: 'r', nativeId },
  deleteWithInstance,
})
const plug = (deviceKey: string, diskId: string, state: Plug['state'] = 'plugged', deleteWithInstance = false): Plug => ({
  ...{ deviceKey, diskId, state, deleteWithInstance },
})

test('everything in its place is settled, and other places are left alone', () => {
  expect(nextMoves([place('a', 'new')], [plug('a', 'new'), plug('b', 'whatever')])).toEqual({ settled: true, moves: [] })
})

test('a place is emptied before something is plugged into it', () => {
  const wanted = [place('a', 'new')]
  expect(nextMoves(wanted, [plug('a', 'old')]).moves).toEqual([{ move: 'unplug', diskId: 'old', deviceKey: 'a' }])
  expect(nextMoves(wanted, [plug('a', 'old', 'moving')])).toEqual({ settled: false, moves: [] })
  expect(nextMoves(wanted, []).moves).toEqual([{ move: 'plug', diskId: 'new', deviceKey: 'a' }])
  expect(nextMoves(wanted, [plug('a', 'new', 'moving')])).toEqual({ settled: false, moves: [] })
})

test('a disk that stands in another place leaves that one first', () => {
  expect(nextMoves([place('a', 'x'), place('b', 'y')], [plug('a', 'y'), plug('b', 'x')]).moves).toEqual([
    { move: 'unplug', diskId: 'y', deviceKey: 'a' },
    { move: 'unplug', diskId: 'x', deviceKey: 'b' },
  ])
  expect(nextMoves([place('a', 'x')], [plug('c', 'x')]).moves).toEqual([{ move: 'unplug', diskId: 'x', deviceKey: 'c' }])
})

test('whether it goes with the instance is set last', () => {
  expect(nextMoves([place('a', 'new', true)], [plug('a', 'new')])).toEqual({ settled: false, moves: [{ move: 'let-go', deviceKey: 'a' }] })
  expect(nextMoves([place('a', 'new')], [plug('a', 'new', 'plugged', true)]).moves).toEqual([{ move: 'keep', deviceKey: 'a' }])
})
