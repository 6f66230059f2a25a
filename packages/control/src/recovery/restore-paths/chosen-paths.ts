import { z } from 'zod'

/** Files and directories of one disk, by the paths that the guest has for them. */
export const chosenPathsSchema = z.strictObject({
  /** A device of the point. */
  device: z.string(),
  /** Where the guest has that disk mounted. */
  mountedAt: z.string(),
  paths: z.array(z.string()),
})
export type ChosenPaths = z.infer<typeof chosenPathsSchema>

/** What is wrong with them, or nothing. They become words of a script: what could be read as anything else is refused. */
export function faultOfPaths({ mountedAt, paths }: ChosenPaths): string | undefined {
  for (const path of [mountedAt, ...paths]) {
    // Quotes, backslashes and control characters; a relative step, an empty one, and a slash at the end.
    // eslint-disable-next-line no-control-regex
    if (!/^\/[^'"\\\u0000-\u001f\u007f]*$/.test(path))
      return `${JSON.stringify(path)} is no absolute path without quotes, backslashes and control characters.`
    if (
      path !== '/' &&
      path
        .split('/')
        .slice(1)
        .some((part) => part === '' || part === '.' || part === '..')
    )
      return `${path} is not written in full.`
  }
  const outside = paths.find((path) => path === mountedAt || !path.startsWith(mountedAt === '/' ? '/' : `${mountedAt}/`))
  if (outside !== undefined) return `${outside} is not below ${mountedAt}, where the disk is mounted.`
  const nested = paths.find((path) => paths.some((other) => other !== path && path.startsWith(`${other}/`)))
  if (nested !== undefined) return `${nested} is below another one of the paths.`
  return new Set(paths).size < paths.length ? 'A path is named twice.' : undefined
}

/** Of a path, below the place where the disk is mounted. */
export const insideOf = ({ mountedAt }: Pick<ChosenPaths, 'mountedAt'>, path: string): string =>
  mountedAt === '/' ? path : path.slice(mountedAt.length)
