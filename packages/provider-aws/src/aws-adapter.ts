import type { Adapter } from '@understudy/provider'
import { stored } from '@understudy/provider/adapter-kit'
import { createAwsProvider } from './aws-provider.ts'
import { parseAwsDocument } from './event-parser.ts'
import { providerName } from './settings.ts'
import { validateAwsCredentials, validateAwsSettings } from './validate-settings.ts'

/** AWS, as the application knows it before it talks to it. */
export const awsAdapter: Adapter = {
  name: providerName,
  validate(account) {
    const results = [validateAwsSettings(account.settings), validateAwsCredentials(account.credentials)]
    return results.flatMap((result) => (result.ok ? [] : result.errors))
  },
  create({ account, region, settings, credentials, installation, clock, random, guard }) {
    return createAwsProvider({
      ...stored(validateAwsSettings(settings), 'AWS'),
      credentials: stored(validateAwsCredentials(credentials), 'AWS'),
      scope: { account, region },
      installation,
      clock,
      random,
      ...(guard === undefined ? {} : { guard }),
    })
  },
  parse: parseAwsDocument,
}
