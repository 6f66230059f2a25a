import { AppError } from '@understudy/core'
import { useOwnServer } from './binaries.ts'

/** What a start was about, for the sentence a person reads. */
interface Attempt {
  readonly directory: string
  readonly logFile: string
  readonly port?: number
}

/** Why PostgreSQL stopped, from what it wrote: one line that says what to do. Unknown reasons keep PostgreSQL's own words. */
export function explainFailure(output: string, attempt: Attempt): AppError {
  const known = knownFailures.find(({ pattern }) => pattern.test(output))
  if (known) return new AppError('unavailable', known.message(attempt), { details: { reason: known.reason } })
  const line = output
    .split('\n')
    .findLast((text) => /FATAL|PANIC|error/i.test(text))
    ?.replace(/^.*?(FATAL|PANIC|ERROR):\s*/i, '')
    .trim()
  const words = line ? `: ${line}` : ''
  return new AppError('unavailable', `The embedded PostgreSQL did not start${words}. Its log is ${attempt.logFile}. ${useOwnServer}`)
}

const knownFailures = [
  {
    reason: 'disk_full',
    pattern: /No space left on device|Disk quota exceeded/i,
    message: ({ directory }: Attempt) => `The disk that holds ${directory} is full. Free some space and start again.`,
  },
  {
    reason: 'port_taken',
    pattern: /could not (bind|create any TCP\/IP sockets)|Address already in use/i,
    message: ({ port }: Attempt) => `Port ${port} on 127.0.0.1 is taken by another program. Stop it, or choose another port.`,
  },
  {
    reason: 'running',
    pattern: /lock file "postmaster\.pid" already exists|Is another postmaster/i,
    message: ({ directory }: Attempt) => `Another PostgreSQL is already running on ${directory}. Stop it first.`,
  },
  {
    reason: 'version',
    pattern: /database files are incompatible with server/i,
    message: ({ directory }: Attempt) =>
      `The data in ${directory} was written by another PostgreSQL version. Move that folder away to start empty, or restore it with the matching release.`,
  },
  {
    reason: 'permission',
    pattern: /Permission denied|EACCES|EPERM|Operation not permitted|has wrong ownership/i,
    message: ({ directory }: Attempt) => `This user may not read or write ${directory}. Start as its owner, or give the folder to this user.`,
  },
  {
    reason: 'library',
    pattern: /error while loading shared libraries|GLIBC_[\d.]+' not found/i,
    message: () => `The embedded PostgreSQL needs a system library that this machine does not have (glibc 2.17 or later). ${useOwnServer}`,
  },
] as const
