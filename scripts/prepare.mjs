/** What has to be on disk before a program of this project can start. Plain JavaScript for the machine's own Node; see run.mjs. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'

export const pinnedNode = (root) => join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/**
 * Installs and generates what is missing or stale. Starts that run at the same time wait for one another.
 * Throws an `Error` with one line for the person at the terminal.
 */
export async function prepare(root) {
  if (isReady(root)) return
  await withLock(join(root, '.understudy', 'prepare.lock'), async () => {
    if (!isInstalled(root)) await install(root)
    if (!isGenerated(root)) await generate(root)
  })
}

const isReady = (root) => isInstalled(root) && isGenerated(root)

/**
 * True when npm's own record of what it installed holds every package of package-lock.json in the same version. The record is
 * written last, so an interrupted installation counts as missing; packages for other platforms are absent from it and optional.
 */
function isInstalled(root) {
  if (!existsSync(pinnedNode(root))) return false
  const wanted = readJson(join(root, 'package-lock.json'))?.packages
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages
  if (!wanted || !installed) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !path.includes('node_modules/')) return true
    const found = installed[path]
    return found ? found.version === entry.version : entry.optional === true
  })
}

async function install(root) {
  // `npm ci` deletes node_modules first, under the feet of anything that runs from it: only for a folder that never was complete.
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json'))
  say(fresh ? 'Installing the dependencies: a minute or two, the first time only.' : 'Updating the dependencies: package-lock.json has changed.')
  const env = installEnvironment(root)
  if (fresh) {
    const code = await runNpm(root, ['ci'], env)
    if (code !== 0) {
      say(`\`npm ci\` ended with code ${code}; trying \`npm install\`, which may repair what it refused.`)
      await npmInstall(root, env)
    }
  } else await npmInstall(root, env)
  // Scripts can be switched off in a user's npm configuration; the pinned Node arrives by one.
  if (!existsSync(pinnedNode(root))) await mustSucceed(runNpm(root, ['rebuild', 'node', '--ignore-scripts=false'], env), 'npm rebuild node')
  if (!existsSync(pinnedNode(root))) throw new Error('The `node` package has no program for this platform. Node 24 runs on Linux, macOS and Windows.')
  say('Dependencies installed.')
}

/** npm of another age rewrites package-lock.json in passing; a start should not leave a changed file in somebody's checkout. */
async function npmInstall(root, env) {
  const file = join(root, 'package-lock.json')
  const before = readFileSync(file)
  await mustSucceed(runNpm(root, ['install'], env), 'npm install')
  const after = readFileSync(file)
  writeFileSync(file, before)
  if (!isInstalled(root)) writeFileSync(file, after)
}

async function mustSucceed(running, command) {
  const code = await running
  if (code === 0) return
  throw new Error(
    `Could not install the dependencies: \`${command}\` ended with code ${code}; its own message is above. ` +
      'The npm registry must be reachable (see `npm config get registry`) and this folder writable.',
  )
}

function installEnvironment(root) {
  return {
    ...process.env,
    // Any existing file keeps Prisma from downloading a native engine that nothing here uses.
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_SKIP_POSTINSTALL_GENERATE: '1',
    // The tools need the pinned Node and run on it: npm's warnings about the Node that installs them would mislead.
    npm_config_loglevel: 'error',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    // Development tools are part of `npm test`, and the database of `npm start` is an optional package.
    NODE_ENV: 'development',
    npm_config_include: 'dev\n\noptional',
    // Set when this runs inside the npm script of another project.
    npm_config_local_prefix: root,
  }
}

function runNpm(root, args, env) {
  // Inside `npm start` npm says where it is; otherwise the one on the PATH.
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
  const began = Date.now()
  const child = spawn(command, [...first, ...args], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' })
  // npm draws its progress on terminals only; a log should not look dead.
  const beat = setInterval(() => say(`… still installing, ${Math.round((Date.now() - began) / 1000)} s`), 20_000)
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`Could not start npm: ${error.message}. Install npm, which comes with Node.`)))
    child.on('exit', (code) => resolve(code ?? 1))
  }).finally(() => clearInterval(beat))
}

const schemaFile = (root) => join(root, 'prisma', 'schema.prisma')
const stampFile = (root) => join(root, 'packages', 'persistence', 'src', 'generated', '.made-from')

/** The schema and the generator's version decide what is generated. */
function generationStamp(root) {
  if (!existsSync(schemaFile(root))) return undefined
  const version = readJson(join(root, 'node_modules', 'prisma', 'package.json'))?.version ?? 'none'
  return createHash('sha256')
    .update(readFileSync(schemaFile(root)))
    .update(version)
    .digest('hex')
}

function isGenerated(root) {
  const stamp = generationStamp(root)
  if (stamp === undefined) return true
  return existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8') === stamp
}

async function generate(root) {
  const stamp = generationStamp(root)
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  const env = { ...installEnvironment(root), CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1', NO_COLOR: '1' }
  const child = spawn(pinnedNode(root), [prisma, 'generate', '--no-hints'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const code = await new Promise((resolve) => child.on('error', () => resolve(1)).on('exit', resolve))
  if (code !== 0) throw new Error(`Could not generate the database client from prisma/schema.prisma:\n${output.trim()}`)
  writeFileSync(stampFile(root), stamp)
  say('Database client generated.')
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // Missing or half-written: the caller treats both as "not there".
  }
}

function say(line) {
  console.error(`understudy: ${line}`)
}
