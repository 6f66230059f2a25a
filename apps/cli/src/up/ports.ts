import { AppError } from '@understudy/core'
import { createServer } from 'node:net'

export interface WantedPort {
  /** The variable that sets it. */
  readonly variable: string
  readonly host: string
  readonly port: number
}

/** Throws one line that says which port cannot be had, and what to set. */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const seen = new Map<number, string>()
  for (const { port, variable } of wanted.filter((one) => one.port !== 0)) {
    const other = seen.get(port)
    if (other !== undefined) throw new AppError('invalid_request', `${other} and ${variable} are both ${port}. Set one of them to another port.`)
    seen.set(port, variable)
  }
  for (const one of wanted) await requireFreePort(one)
}

function requireFreePort({ host, port, variable }: WantedPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => reject(explain({ host, port, variable }, error)))
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}

function explain({ host, port, variable }: WantedPort, cause: NodeJS.ErrnoException): AppError {
  const hostVariable = variable.replace('PORT', 'HOST')
  switch (cause.code) {
    case 'EADDRINUSE':
      return refusal(`Port ${port} of ${host} is taken by another program. Stop that program, or set ${variable} to another port.`, cause)
    case 'EACCES':
      return refusal(`This user may not listen on port ${port}. Set ${variable} to a port above 1023.`, cause)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refusal(`${host} is not an address of this machine. Set ${hostVariable} to one, for instance 127.0.0.1 or 0.0.0.0.`, cause)
    default:
      return refusal(`Port ${port} of ${host} cannot be used: ${cause.message}. Set ${variable} to another port.`, cause)
  }
}

const refusal = (message: string, cause: Error): AppError => new AppError('unavailable', message, { cause })
