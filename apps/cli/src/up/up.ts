import type { CliConfig } from '../config.ts'
import { Interrupted, startInstallation } from './start-installation.ts'
import type { Installation, StartOptions } from './start-installation.ts'

/** `npm start`: runs until Ctrl-C. Answers the exit code. */
export async function up(config: CliConfig, options: StartOptions): Promise<number> {
  const { say } = options
  say('Understudy is starting. Ctrl-C stops it at any time.')
  let installation: Installation
  try {
    installation = await startInstallation(config, { ...options, say: (line) => say(`  ${line} …`) })
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    say('Stopped before it had started.')
    return 0
  }
  describe(installation, config.home, say)
  const broken = await Promise.race([options.interrupted.then(() => undefined), installation.broken])
  say(broken === undefined ? '\nStopping …' : `\n${broken}\nStopping the rest …`)
  await installation.stop()
  say(broken === undefined ? 'Stopped. `npm start` goes on from here.' : 'Stopped.')
  return broken === undefined ? 0 : 1
}

function describe(installation: Installation, home: string, say: (line: string) => void): void {
  const { apiUrl, simUrl, cloudUrls, adminKey, adminKeyFile } = installation
  say('')
  say(`Understudy is running at ${apiUrl}`)
  say(
    `  admin key         ${adminKey === undefined ? `unknown here: the first start with this database made it, and put it elsewhere than ${adminKeyFile}` : adminKeyFile}`,
  )
  say(`  queue             ${installation.queue === 'redis' ? 'BullMQ on Redis' : 'BullMQ on PostgreSQL'}`)
  if (simUrl !== undefined) say(`  simulated region  ${simUrl} (AWS protocols; access key AKIASIMULATED0000001)`)
  for (const [cloud, url] of Object.entries(cloudUrls))
    say(`  simulated ${cloud.padEnd(8)}${url} (account: curl -s ${simUrl ?? ''}/_sim/${cloud}/account)`)
  say(`  files and logs    ${home}`)
  say('')
  if (adminKey !== undefined) {
    say('Try next, in another terminal:')
    say(`  curl -s ${apiUrl}/v1/accounts -H "Authorization: Bearer $(cat ${quoted(adminKeyFile)})"`)
    say('The README leads on from there ("Walk-through with curl").')
  }
  say('Stop with Ctrl-C; the next start finds everything as it was.')
}

/** As it must be typed: a path may have a space in it. */
const quoted = (path: string): string => (/^[\w/.,@%+=:-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`)
