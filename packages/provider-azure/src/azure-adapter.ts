import type { Adapter } from '@understudy/provider'
import { stored } from '@understudy/provider/adapter-kit'
import { createAzureProvider } from './azure-provider.ts'
import { parseAzureDocument } from './event-parser.ts'
import { azurePush } from './push.ts'
import { providerName } from './settings.ts'
import { borrowedIdentityErrors, readCredentials, readSettings } from './validate-settings.ts'

/** Azure, as the application knows it before it talks to it. */
export const azureAdapter: Adapter = {
  name: providerName,
  idsIgnoreCase: true,
  account: { pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, called: 'the id of a subscription' },
  validate({ settings, credentials }) {
    const read = [readSettings(settings), readCredentials(credentials)].flatMap((result) => (result.ok ? [] : result.errors))
    return [...read, ...borrowedIdentityErrors(settings, credentials)]
  },
  create({ account, region, settings, credentials, ...rest }) {
    return createAzureProvider({
      ...stored(readSettings(settings), 'Azure'),
      credentials: stored(readCredentials(credentials), 'Azure'),
      scope: { account, region },
      ...rest,
    })
  },
  parse: parseAzureDocument,
  push: azurePush,
}
