import { insideOf } from './chosen-paths.ts'
import type { ChosenPaths } from './chosen-paths.ts'

/** Where things are in the guest meanwhile. */
export const placesOf = (restoredDiskId: string): { readonly mount: string; readonly aside: string } => ({
  mount: `/run/understudy/${restoredDiskId}`,
  aside: `/var/lib/understudy/${restoredDiskId}`,
})

/** Paths were looked at before: none has a quote. */
const quoted = (path: string): string => `'${path}'`
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

/** Read-only, whatever the cloud keeps: the file system, or its first partition. A copy of an XFS has the id of the mounted original. */
export function mountScript(devices: readonly string[], mount: string): string {
  const candidates = devices.flatMap((device) => [device, `${device}-part1`])
  const tries = candidates.flatMap((device) =>
    ['ro', 'ro,nouuid', 'ro,noload'].map((options) => `mount -o ${options} ${quoted(device)} ${quoted(mount)}`),
  )
  return [`mkdir -p ${quoted(mount)}`, [`mountpoint -q ${quoted(mount)}`, ...tries].join(' || ')].join('\n')
}

export const unmountScript = (mount: string): string =>
  [`mountpoint -q ${quoted(mount)} && umount ${quoted(mount)}`, `rmdir ${quoted(mount)}`, `mountpoint -q ${quoted(mount)} && exit 1`, 'exit 0'].join(
    '\n',
  )

/** Says `now:0` for the first path when it is there now, and `kept:0` when the copy has it. */
export const lookScript = (chosen: ChosenPaths, mount: string): string =>
  [
    ...chosen.paths.flatMap((path, index) => [
      `test -e ${quoted(path)} && echo now:${index}`,
      `test -e ${quoted(`${mount}${insideOf(chosen, path)}`)} && echo kept:${index}`,
    ]),
    'exit 0',
  ].join('\n')

export type Seen = { readonly now: readonly number[]; readonly kept: readonly number[] }
export function readLook(output: string): Seen {
  const said = (what: string): readonly number[] => [...output.matchAll(new RegExp(`^${what}:(\\d+)$`, 'gm'))].map(([, index]) => Number(index))
  return { now: said('now'), kept: said('kept') }
}

/** Copies what is there now to where it can be had back from. */
export const asideScript = ({ paths }: ChosenPaths, { now }: Seen, aside: string): string =>
  [
    `mkdir -p ${quoted(aside)}`,
    ...now.map((index) => `rm -rf ${quoted(`${aside}/${index}`)} && cp -a ${quoted(paths[index] ?? '')} ${quoted(`${aside}/${index}`)}`),
  ].join(' && ')
export const dropAsideScript = (aside: string): string => `rm -rf ${quoted(aside)}`

/** Beside its place first, so that a path is never half of it for long. */
export const copyScript = (chosen: ChosenPaths, mount: string): string =>
  chosen.paths
    .map((path) => {
      const fresh = `${path}.understudy-new`
      return [
        `mkdir -p ${quoted(parentOf(path))}`,
        `rm -rf ${quoted(fresh)}`,
        `cp -a ${quoted(`${mount}${insideOf(chosen, path)}`)} ${quoted(fresh)}`,
        `rm -rf ${quoted(path)}`,
        `mv ${quoted(fresh)} ${quoted(path)}`,
      ].join(' && ')
    })
    .join(' && ')

export const putBackScript = ({ paths }: ChosenPaths, { now }: Seen, aside: string): string =>
  paths
    .map((path, index) =>
      [
        `rm -rf ${quoted(path)} ${quoted(`${path}.understudy-new`)}`,
        ...(now.includes(index) ? [`cp -a ${quoted(`${aside}/${index}`)} ${quoted(path)}`] : []),
      ].join(' && '),
    )
    .join(' && ')

export const compareScript = (chosen: ChosenPaths, mount: string): string =>
  [...chosen.paths.map((path) => `diff -r ${quoted(`${mount}${insideOf(chosen, path)}`)} ${quoted(path)} > /dev/null`), 'sync'].join(' && ')
