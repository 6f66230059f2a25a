import type { JsonObject } from '@understudy/core'
import type { Adapter } from '@understudy/provider'
import { createAwsProvider } from './aws-provider.ts'
import { parseAwsDocument } from './event-parser.ts'
import { providerName, validateAwsSettings } from './settings.ts'

/** AWS, as the application sees it before it talks to it. */
export const awsAdapter: Adapter = {
  name: providerName,
  validate(account) {
    const checked = validateAwsSettings(documentOf(account))
    // Settings and credentials are one document to the adapter and two to the API.
    return checked.ok
      ? []
      : checked.errors.map((error) => ({ ...error, pointer: error.pointer.startsWith('/credentials') ? error.pointer : `/settings${error.pointer}` }))
  },
  create(options) {
    const checked = validateAwsSettings(documentOf(options))
    if (!checked.ok) throw new Error(`stored settings of an AWS account are not valid: ${checked.errors.map((error) => error.pointer).join(', ')}`)
    const { account, region, installation, clock, random } = options
    return createAwsProvider({ ...checked.settings, scope: { account, region }, installation, clock, random })
  },
  parse: parseAwsDocument,
}

/** `{ "source": "default-chain" }` asks for the credentials of the machine that the worker runs on. */
function documentOf({ settings, credentials }: { readonly settings: JsonObject; readonly credentials: JsonObject }): object {
  return { ...settings, credentials: credentials['source'] === 'default-chain' ? 'default-chain' : credentials }
}
