import { join } from 'node:path'

/**
 * Where `scripts/run.mjs` has Node keep what it has compiled, for a process of a test that is given nothing else of this environment: its
 * start takes half as long.
 */
export const compileCache = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../../node_modules/.cache/understudy') } as const
