import type { Adapter } from '@understudy/provider'
import { parseGcpDocument } from './event-parser.ts'
import { createGcpProvider } from './gcp-provider.ts'
import { providerName } from './settings.ts'
import { validateGcpCredentials, validateGcpSettings } from './validate-settings.ts'
import type { Validated } from '@understudy/provider/adapter-kit'

/** Google Cloud, as the application knows it before it talks to it. */
export const gcpAdapter: Adapter = {
  name: providerName,
  validate(account) {
    const results = [validateGcpSettings(account.settings), validateGcpCredentials(account.credentials)]
    return results.flatMap((result) => (result.ok ? [] : result.errors))
  },
  create({ account, region, settings, credentials, installation, clock, random, guard }) {
    return createGcpProvider({
      ...checked(validateGcpSettings(settings)),
      credentials: checked(validateGcpCredentials(credentials)),
      scope: { account, region },
      installation,
      clock,
      random,
      ...(guard === undefined ? {} : { guard }),
    })
  },
  parse: parseGcpDocument,
}

/** What has been stored was validated before; the messages quote no value, so that no secret can leave by them. */
function checked<T>(result: Validated<T>): T {
  if (result.ok) return result.value
  throw new Error(`the stored Google account is not valid: ${result.errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}`)
}
