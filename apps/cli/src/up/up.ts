import type { CliConfig } from '../config.ts'
import { startInstallation } from './start-installation.ts'

/** `npm start`: runs until Ctrl-C. Answers the exit code. */
export async function up(
  config: CliConfig,
  options: { readonly sim: boolean; readonly say: (line: string) => void; readonly interrupted: Promise<string> },
): Promise<number> {
  const { say } = options
  const starting = startInstallation(config, { say: (line) => say(`  ${line} …`), sim: options.sim })
  const installation = await starting
  say('')
  say(`Understudy is running at ${installation.apiUrl}`)
  say(`  admin key         ${installation.adminKeyFile}`)
  say(`  queue             ${installation.queue === 'redis' ? 'BullMQ on Redis' : 'BullMQ on PostgreSQL'}`)
  if (installation.simUrl !== undefined) say(`  simulated region  ${installation.simUrl} (AWS protocols; access key AKIASIMULATED0000001)`)
  say(`  files and logs    ${config.home}`)
  say('')
  say('Try next, in another terminal:')
  say(`  curl -s ${installation.apiUrl}/v1/accounts -H "Authorization: Bearer $(cat ${installation.adminKeyFile})"`)
  say('Stop with Ctrl-C; the next start finds everything as it was.')
  const why = await Promise.race([options.interrupted, installation.broken])
  const asked = why.startsWith('SIG')
  say(asked ? '\nStopping …' : `\n${why}\nStopping the rest …`)
  await installation.stop()
  say('Stopped.')
  return asked ? 0 : 1
}
