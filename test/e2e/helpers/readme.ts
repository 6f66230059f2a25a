import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const readme = readFileSync(join(import.meta.dirname, '..', '..', '..', 'README.md'), 'utf8')

/** The text of one `##` section. Throws when there is none of that name: the test would otherwise check nothing. */
export function sectionOf(document: string, heading: string): string {
  const section = document.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`The document has no section "${heading}".`)
  return section
}

/** The fenced blocks that a reader is asked to paste into a shell, in order. */
export const shellBlocks = (section: string): readonly string[] => [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '')
