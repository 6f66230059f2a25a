/** `npm run saga-laws [-- vitest arguments]`: every law of sagas in every scene, where `npm test` leaves repetitions out (`LawOptions.newSteps`). */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../../..')
const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['.saga.test.ts']
const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'servers', ...wanted], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SAGA_LAWS: 'all' },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
