import { createUnderstudyClient } from '@understudy/contract/client'
import type { UnderstudyClient } from '@understudy/contract/client'
import { AppError } from '@understudy/core'
import type { Installation } from '../up/start-installation.ts'

export interface Operator {
  readonly client: UnderstudyClient
  readonly apiUrl: string
  readonly adminKey: string
  readonly simUrl: string
}

/** Whoever plays a demo: with the admin key of the installation, and the controls of its simulated clouds. */
export function operatorOf({ apiUrl, simUrl, adminKey }: Installation): Operator {
  if (simUrl === undefined) throw new Error('an installation for the demo has a simulated region')
  if (adminKey === undefined)
    throw new AppError(
      'conflict',
      'The database of DATABASE_URL has keys already, and the demo knows none of them. Give it an empty database, or leave DATABASE_URL out.',
    )
  return { client: createUnderstudyClient({ baseUrl: apiUrl, apiKey: adminKey }), apiUrl, adminKey, simUrl }
}
