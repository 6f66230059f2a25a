import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly lines: readonly string[]
}

/** Tests, what only they use, and what a generator wrote. */
const notSearched = /node_modules|\/generated\/|\.test\.ts$|\/src\/testing\/|\/(test|testing)-[^/]*$|\/fixtures?\.ts$/

/** The TypeScript of a folder that ships, with comments blanked so that only code is searched, unless they are asked for. */
export function readSources(folder: string, { comments = false }: { readonly comments?: boolean } = {}): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !notSearched.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .map(({ path, text }) => ({ path, lines: (comments ? text : withoutComments(text)).split('\n') }))
}

/** Keeps the line numbers. A glob such as `apps/*` opens no comment, because none follows a space, and the `//` of an address is none. */
const withoutComments = (text: string): string =>
  text.replaceAll(/(?<=^|\s)\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' ')).replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1')

/** `path:line: text` for every line that matches, outside of the files that may. */
export function findLines(sources: readonly Source[], pattern: RegExp, allowed: RegExp): string[] {
  return sources
    .filter(({ path }) => !allowed.test(path))
    .flatMap(({ path, lines }) => lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])))
}
