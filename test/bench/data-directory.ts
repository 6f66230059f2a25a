import { join } from 'node:path'

/**
 * The folder of data sets that are too large, or not ours, to be kept here: `UNDERSTUDY_DATA_DIR`. Without it, the extracts that are
 * kept here: the short form, which is said.
 */
export function dataDirectory(): { readonly path: string; readonly isShort: boolean } {
  const path = process.env['UNDERSTUDY_DATA_DIR']
  if (path !== undefined) return { path, isShort: false }
  process.stdout.write(
    'SHORT FORM, on the extracts in test/bench/data: set UNDERSTUDY_DATA_DIR to the folder with the whole data sets (it has a folder dev).\n',
  )
  return { path: join(import.meta.dirname, 'data'), isShort: true }
}
