import type { Adapter } from '@understudy/provider'
import { stored } from '@understudy/provider/adapter-kit'
import { parseGcpDocument } from './event-parser.ts'
import { gcpPush } from './push.ts'
import { createGcpProvider } from './gcp-provider.ts'
import { providerName } from './settings.ts'
import { validateGcpCredentials, validateGcpSettings } from './validate-settings.ts'

/** Google Cloud, as the application knows it before it talks to it. */
export const gcpAdapter: Adapter = {
  name: providerName,
  account: { pattern: /^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, called: 'the id of a project' },
  validate(account) {
    const results = [validateGcpSettings(account.settings), validateGcpCredentials(account.credentials)]
    return results.flatMap((result) => (result.ok ? [] : result.errors))
  },
  create({ account, region, settings, credentials, installation, clock, random, guard }) {
    return createGcpProvider({
      ...stored(validateGcpSettings(settings), 'Google'),
      credentials: stored(validateGcpCredentials(credentials), 'Google'),
      scope: { account, region },
      installation,
      clock,
      random,
      ...(guard === undefined ? {} : { guard }),
    })
  },
  parse: parseGcpDocument,
  push: gcpPush,
}
