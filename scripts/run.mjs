/**
 * Starts a program of this project, after making sure that it can start: `node scripts/run.mjs <entry> [arguments…]`.
 *
 * This file is plain JavaScript without dependencies because it runs on the machine's own Node, before anything is installed.
 * It installs the npm dependencies when they are missing or stale, generates the database client when the schema has changed,
 * and hands over to the pinned Node of `node_modules`. Without an entry it stops after the preparations.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Understudy needs Node 20.19 or later to start; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.`)
  process.exit(1)
}

// Loaded late, so that an old Node reaches the line above before it meets syntax that it does not know.
const { pinnedNode, prepare } = await import('./prepare.mjs')
try {
  await prepare(root)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

const [entry, ...args] = process.argv.slice(2)
if (entry !== undefined) handOver(entry, args)

function handOver(file, rest) {
  const bin = join(root, 'node_modules', '.bin')
  // Node keeps what it has compiled, for the next start and for every process that is started from here: half of the time of a start.
  const NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'understudy')
  const env = { ...process.env, NODE_COMPILE_CACHE, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  // The channel carries nothing; when it closes, the program knows that we were killed and can end in order.
  const child = spawn(pinnedNode(root), [join(root, file), ...rest], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env })
  // A terminal sends Ctrl-C to the child as well; passing it on would look like the second, impatient Ctrl-C.
  const isPassedOn = (signal) => !(signal === 'SIGINT' && process.stdin.isTTY)
  const last = new Map()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // npm passes on what a process group has received already: the same signal again within a second is that echo.
      const isEcho = Date.now() - (last.get(signal) ?? 0) < 1000
      last.set(signal, Date.now())
      if (!isEcho && isPassedOn(signal)) child.kill(signal)
    })
  }
  // npm runs scripts through a shell, which a SIGTERM to npm ends without telling us: another parent means that it has gone.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent || !process.env.npm_lifecycle_event) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 250)
  watch.unref()
  child.on('error', (error) => {
    console.error(`Could not start ${file}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))
}
