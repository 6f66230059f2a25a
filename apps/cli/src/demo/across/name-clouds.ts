import { AppError } from '@understudy/core'

export const nameClouds = ['aws', 'azure', 'gcp'] as const
export type NameCloud = (typeof nameClouds)[number]

interface NameService {
  readonly cloud: string
  readonly service: string
  /** Below `/_sim/`. */
  readonly controls: string
  /** Whether anybody sees that who is behind the name does not answer. */
  readonly watch: string
}

/** Where a name with weights can be, in the words of a person. */
export const nameServices: Readonly<Record<NameCloud, NameService>> = {
  aws: { cloud: 'AWS', service: 'Route 53', controls: '', watch: 'Nobody watches whether who is behind the name answers.' },
  azure: {
    ...{ cloud: 'Azure', service: 'Traffic Manager', controls: 'azure/' },
    watch: 'Traffic Manager asks who is behind the name every 10 s whether it answers, and not who waits.',
  },
  gcp: { cloud: 'Google Cloud', service: 'Cloud DNS', controls: 'gcp/', watch: 'Nobody watches whether who is behind the name answers.' },
}

/** Of `--names`. */
export function nameCloudIn(text: string): NameCloud {
  const found = nameClouds.find((cloud) => cloud === text.trim())
  if (found === undefined) throw new AppError('invalid_request', `--names has to be one of ${nameClouds.join(', ')}, not ${text}.`)
  return found
}
