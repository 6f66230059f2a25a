import { createHash } from 'node:crypto'
import { GuestFiles } from './file-system.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { commandsIn, SyntaxFault } from './words.ts'
import type { SimpleCommand } from './words.ts'

export interface Ran {
  readonly exitCode: number
  readonly output: string
  readonly errorOutput: string
  /** How long it takes, of the simulated clock. */
  readonly takesMs: number
}

/** What a test or a control puts in the path of every guest: `psql`. */
export type Program = (
  args: readonly string[],
  files: GuestFiles,
) => { readonly exitCode: number; readonly output?: string; readonly errorOutput?: string }

const programs = new WeakMap<DataCentre, Map<string, Program>>()

/** Programs of the guests of a data centre, beside those that the shell has. */
export function programsOf(dataCentre: DataCentre): Map<string, Program> {
  const known = programs.get(dataCentre) ?? new Map<string, Program>()
  programs.set(dataCentre, known)
  return known
}

const startMs = 200

/** Runs a script inside of a guest at once. It is a small shell: words, quotes, `;`, `&&`, `||`, `>`, and the programs of `builtIns`. */
export function runInGuest(dataCentre: DataCentre, instanceId: string, script: string): Ran {
  const files = new GuestFiles(dataCentre, instanceId)
  const run: Running = { files, status: 0, output: '', errorOutput: '', takesMs: startMs, ended: false }
  try {
    for (const command of commandsIn(script)) {
      if (run.ended) break
      if ((command.after === '&&' && run.status !== 0) || (command.after === '||' && run.status === 0)) continue
      step(run, command, programsOf(dataCentre))
    }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    run.status = 2
    run.errorOutput += `sh: ${error.message}\n`
  }
  return { exitCode: run.status, output: run.output, errorOutput: run.errorOutput, takesMs: run.takesMs }
}

interface Running {
  readonly files: GuestFiles
  status: number
  output: string
  errorOutput: string
  takesMs: number
  ended: boolean
}

function step(run: Running, { words, output, toError }: SimpleCommand, known: ReadonlyMap<string, Program>): void {
  const [name = '', ...args] = asWhoever(words.map((word) => word.replaceAll('$?', String(run.status))))
  if (name === 'exit') {
    run.status = Number(args[0] ?? run.status) & 0xff
    run.ended = true
    return
  }
  if (name === 'sleep') run.takesMs += Number(args[0] ?? 0) * 1000
  const program = known.get(name) ?? builtIns[name]
  const result = program === undefined ? failing(127, `sh: ${name}: not found`) : attempted(() => program(args, run.files))
  run.status = result.exitCode
  run.errorOutput += result.errorOutput ?? ''
  const text = result.output ?? ''
  if (output !== undefined) {
    const before = output.append ? (run.files.read(output.path) ?? Buffer.alloc(0)) : Buffer.alloc(0)
    if (output.path !== '/dev/null') run.files.write(output.path, Buffer.concat([before, Buffer.from(text)]))
  } else if (toError) run.errorOutput += text
  else run.output += text
}

/** There is one user here: `runuser -u postgres -- psql` is `psql`. */
const asWhoever = (words: readonly string[]): readonly string[] => (words[0] === 'runuser' ? words.slice(words.indexOf('--') + 1) : words)

function attempted(work: () => ReturnType<Program>): ReturnType<Program> {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) return failing(1, error.message)
    throw error
  }
}

const failing = (exitCode: number, sentence: string): ReturnType<Program> => ({ exitCode, errorOutput: `${sentence}\n` })
const good: ReturnType<Program> = { exitCode: 0 }

/** Options end where paths begin. */
const pathsIn = (args: readonly string[]): readonly string[] => args.filter((arg) => !arg.startsWith('-'))
const missing = (program: string, path: string): ReturnType<Program> => failing(1, `${program}: ${path}: No such file or directory`)

const isDirectory = (files: GuestFiles, path: string): boolean => files.below(path).length > 0

/** `a` onto `b`, a directory with all that is below it. */
function copy(files: GuestFiles, from: string, to: string): boolean {
  const content = files.read(from)
  const target = isDirectory(files, to) && !to.endsWith('/') && content !== undefined ? `${to}/${from.slice(from.lastIndexOf('/') + 1)}` : to
  if (content !== undefined) files.write(target, content)
  const inside = content === undefined ? files.below(from) : []
  for (const path of inside) files.write(`${to}${path.slice(from.length)}`, files.read(path) ?? Buffer.alloc(0))
  return content !== undefined || inside.length > 0
}

function removeAll(files: GuestFiles, path: string): void {
  if (files.read(path) !== undefined) files.remove(path)
  for (const inside of files.below(path)) files.remove(inside)
}

const builtIns: Readonly<Record<string, Program>> = {
  true: () => good,
  ':': () => good,
  set: () => good,
  sync: () => good,
  mkdir: () => good,
  chmod: () => good,
  chown: () => good,
  sleep: () => good,
  false: () => ({ exitCode: 1 }),
  echo: (args) => ({ exitCode: 0, output: `${args.join(' ')}\n` }),
  cat(args, files) {
    let output = ''
    for (const path of pathsIn(args)) {
      const content = files.read(path)
      if (content === undefined) return { ...missing('cat', path), output }
      output += content.toString()
    }
    return { exitCode: 0, output }
  },
  sha256sum(args, files) {
    let output = ''
    let exitCode = 0
    let errorOutput = ''
    for (const path of pathsIn(args)) {
      const content = files.read(path)
      if (content === undefined) {
        exitCode = 1
        errorOutput += missing('sha256sum', path).errorOutput ?? ''
      } else output += `${createHash('sha256').update(content).digest('hex')}  ${path}\n`
    }
    return { exitCode, output, errorOutput }
  },
  test([flag, path = ''], files) {
    const isFile = files.read(path) !== undefined
    const holds = flag === '-f' ? isFile : flag === '-d' ? isDirectory(files, path) : flag === '-e' && (isFile || isDirectory(files, path))
    return { exitCode: holds ? 0 : 1 }
  },
  ls(args, files) {
    const [path = '/'] = pathsIn(args)
    const start = path === '/' ? '/' : `${path}/`
    const names = [...new Set(files.below(path).map((file) => file.slice(start.length).split('/')[0]))]
    if (names.length === 0 && files.read(path) === undefined) return failing(2, `ls: cannot access '${path}': No such file or directory`)
    return { exitCode: 0, output: names.map((name) => `${name}\n`).join('') }
  },
  cp(args, files) {
    const [from = '', to = ''] = pathsIn(args)
    return copy(files, from, to) ? good : failing(1, `cp: cannot stat '${from}': No such file or directory`)
  },
  mv(args, files) {
    const [from = '', to = ''] = pathsIn(args)
    if (!copy(files, from, to)) return failing(1, `mv: cannot stat '${from}': No such file or directory`)
    removeAll(files, from)
    return good
  },
  mount(args, files) {
    const options = args[args.indexOf('-o') + 1] ?? ''
    const [device = '', at = ''] = args.slice(-2)
    return files.mount(device, at, options.split(',').includes('ro')) ? good : failing(32, `mount: ${at}: special device ${device} does not exist.`)
  },
  umount: ([at = ''], files) => (files.unmount(at) ? good : failing(32, `umount: ${at}: not mounted.`)),
  mountpoint: (args, files) => ({ exitCode: files.isMounted(args.at(-1) ?? '') ? 0 : 1 }),
  rmdir: () => good,
  diff(args, files) {
    const [a = '', b = ''] = pathsIn(args)
    const contentOf = (path: string) =>
      new Map([path, ...files.below(path)].map((found) => [found.slice(path.length), files.read(found)?.toString('base64')]))
    const [left, right] = [contentOf(a), contentOf(b)]
    const differing = [...new Set([...left.keys(), ...right.keys()])].filter((inside) => left.get(inside) !== right.get(inside))
    return differing.length === 0
      ? good
      : { exitCode: 1, output: differing.map((inside) => `Files ${a}${inside} and ${b}${inside} differ\n`).join('') }
  },
  rm(args, files) {
    const present = pathsIn(args).filter((path) => files.read(path) !== undefined || isDirectory(files, path))
    const absent = pathsIn(args).find((path) => !present.includes(path))
    if (absent !== undefined && !args.some((arg) => /^-\w*f/.test(arg))) return failing(1, `rm: cannot remove '${absent}': No such file or directory`)
    for (const path of present) removeAll(files, path)
    return good
  },
}
