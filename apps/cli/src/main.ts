import { ConfigError } from '@understudy/config'
import { isAppError } from '@understudy/core'
import { Command } from 'commander'
import { loadConfig } from './config.ts'
import { nameCloudIn } from './demo/across/name-clouds.ts'
import { cloudsIn } from './demo/clouds/demo-clouds.ts'
import { demo } from './demo/demo.ts'
import { migrateCommand } from './migrate.ts'
import { printSagas } from './print-sagas.ts'
import { up } from './up/up.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
// Somebody who closes the pipe (`npm start | head`) wants no more lines; the next Ctrl-C still stops everything in order.
process.stdout.on('error', () => undefined)

/** npm, a terminal and a supervisor may all pass on the same wish to stop, within moments. */
const echoMs = 1000

/** Resolves when somebody asks us to end; asking again, a while later, ends at once, and the services follow by themselves. */
const interrupted = new Promise<string>((resolve) => {
  let askedMs: number | undefined
  const ask = (how: string): void => {
    if (askedMs !== undefined && performance.now() - askedMs > echoMs) process.exit(130)
    askedMs ??= performance.now()
    resolve(how)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
  // Whoever started us was killed: without this we would be left behind, and hold the ports.
  if (process.channel !== undefined) {
    process.on('disconnect', () => ask('disconnect'))
    process.channel.unref()
  }
})

interface DemoFlags {
  readonly rate: string
  readonly clouds?: string
  readonly cross?: boolean
  readonly names?: string
  readonly notice: string
  readonly usualLaunches?: boolean
  readonly keep?: boolean
}

const program = new Command('understudy').description('Keeps a stand-in ready for every cloud resource a team cannot afford to lose.')
program
  .command('up')
  .description('start everything on this machine: database, migrations, simulated clouds, API, worker')
  .option('--no-sim', 'without the simulated clouds')
  .action(async (options: { readonly sim: boolean }) =>
    end(await up(loadConfig(), { sim: options.sim, clouds: options.sim ? ['gcp', 'azure'] : [], say, interrupted })),
  )
program
  .command('demo')
  .description('watch live traffic survive a spot interruption, on a throw-away installation')
  .option('--rate <requests>', 'requests per second, of all clouds together', '250')
  .option('--clouds <list>', 'one service on each of these simulated clouds: aws,azure,gcp')
  .option('--cross', 'one service on AWS, with a shadow on Azure and one on Google Cloud')
  .option('--names <cloud>', 'with --cross: whose names clients follow: aws (Route 53), azure (Traffic Manager) or gcp (Cloud DNS, the default)')
  .option('--notice <seconds>', 'with --cross: the notice that AWS gives', '120')
  .option('--usual-launches', 'launch instances as slowly as a cloud does')
  .option('--keep', 'keep the files of the installation')
  .action(async (options: DemoFlags) =>
    end(
      await demo(loadConfig(), {
        rate: Number(options.rate),
        ...(options.clouds === undefined ? {} : { clouds: cloudsIn(options.clouds) }),
        across: options.cross === true,
        ...(options.names === undefined ? {} : { names: nameCloudIn(options.names) }),
        noticeSeconds: Number(options.notice),
        keep: options.keep === true,
        quickLaunches: options.usualLaunches !== true,
        say,
        interrupted,
      }),
    ),
  )
program
  .command('migrate')
  .description('apply the migrations that DATABASE_URL does not have yet')
  .action(async () => end(await migrateCommand(loadConfig(), say)))
program
  .command('sagas')
  .description('print the steps of every saga, and what undoes them')
  .action(() => printSagas(say))

function end(code: number): void {
  process.exitCode = code
  // Sockets of a pool that closes lazily must not keep a finished command alive.
  setTimeout(() => process.exit(code), 500).unref()
}

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`)
  process.exit(1)
}

/** Expected failures are one line that says what to do; anything else is a bug and shows where. */
function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError) return `The configuration is not valid. ${error.problems.join('; ')}.`
  if (isAppError(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
