import type { Adapter } from '@understudy/provider'
import { createAzureProvider } from './azure-provider.ts'
import { parseAzureDocument } from './event-parser.ts'
import { providerName } from './settings.ts'
import type { Validated } from '@understudy/provider/adapter-kit'
import { readCredentials, readSettings } from './validate-settings.ts'

/** Azure, as the application knows it before it talks to it. */
export const azureAdapter: Adapter = {
  name: providerName,
  validate({ settings, credentials }) {
    return [readSettings(settings), readCredentials(credentials)].flatMap((result) => (result.ok ? [] : result.errors))
  },
  create({ account, region, settings, credentials, ...rest }) {
    return createAzureProvider({
      ...checked(readSettings(settings)),
      credentials: checked(readCredentials(credentials)),
      scope: { account, region },
      ...rest,
    })
  },
  parse: parseAzureDocument,
}

/** What has been stored was validated before; the messages quote no value, so that no secret can leave by them. */
function checked<T>(result: Validated<T>): T {
  if (result.ok) return result.value
  throw new Error(`the stored Azure account is not valid: ${result.errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}`)
}
