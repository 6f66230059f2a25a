import type { Adapter } from '@understudy/provider'
import { createAwsProvider } from './aws-provider.ts'
import { parseAwsDocument } from './event-parser.ts'
import { providerName } from './settings.ts'
import { validateAwsCredentials, validateAwsSettings } from './validate-settings.ts'
import type { Validated } from '@understudy/provider/adapter-kit'

/** AWS, as the application knows it before it talks to it. */
export const awsAdapter: Adapter = {
  name: providerName,
  validate(account) {
    const results = [validateAwsSettings(account.settings), validateAwsCredentials(account.credentials)]
    return results.flatMap((result) => (result.ok ? [] : result.errors))
  },
  create({ account, region, settings, credentials, installation, clock, random, guard }) {
    return createAwsProvider({
      ...checked(validateAwsSettings(settings)),
      credentials: checked(validateAwsCredentials(credentials)),
      scope: { account, region },
      installation,
      clock,
      random,
      ...(guard === undefined ? {} : { guard }),
    })
  },
  parse: parseAwsDocument,
}

/** What has been stored was validated before; the messages quote no value, so that no secret can leave by them. */
function checked<T>(result: Validated<T>): T {
  if (result.ok) return result.value
  throw new Error(`the stored AWS account is not valid: ${result.errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}`)
}
