import { given, isObject, readExpectedSeconds, readLimits, readMembers, readObject, readUrl, validated } from '@understudy/provider/adapter-kit'
import type { Validated } from '@understudy/provider/adapter-kit'
import type { AwsAccountSettings, AwsCredentials } from './settings.ts'

const services = ['ec2', 'elbv2', 'route53', 'sqs', 'ssm', 'sts'] as const

/** Checks the part of an account that is not secret. */
export function validateAwsSettings(document: unknown): Validated<AwsAccountSettings> {
  return validated((fail) => {
    const fields = readObject(document, '/settings', ['endpoint', 'endpoints', 'eventsQueueUrl', 'expectedSeconds', 'limits'], fail)
    if (fields === undefined) return undefined
    const { endpoint, endpoints, eventsQueueUrl, expectedSeconds, limits } = fields
    return {
      ...given('endpoint', endpoint, (value) => readUrl(value, '/settings/endpoint', fail)),
      ...given('endpoints', endpoints, (value) => readMembers(value, '/settings/endpoints', services, readUrl, fail)),
      ...given('eventsQueueUrl', eventsQueueUrl, (value) => readUrl(value, '/settings/eventsQueueUrl', fail)),
      ...given('expectedSeconds', expectedSeconds, (value) => readExpectedSeconds(value, fail)),
      ...given('limits', limits, (value) => readLimits(value, fail)),
    }
  })
}

/** Checks the secret part: an access key pair, or `{ "source": "default-chain" }` for the machine's own role or environment. */
export function validateAwsCredentials(document: unknown): Validated<AwsCredentials | 'default-chain'> {
  return validated((fail) => {
    if (isObject(document) && 'source' in document) {
      readObject(document, '/credentials', ['source'], fail)
      return document['source'] === 'default-chain' ? 'default-chain' : fail('/credentials/source', 'must be default-chain')
    }
    const fields = readObject(document, '/credentials', ['accessKeyId', 'secretAccessKey', 'sessionToken'], fail)
    if (fields === undefined) return undefined
    const { accessKeyId, secretAccessKey, sessionToken } = fields
    const isKeyId = typeof accessKeyId === 'string' && /^\w{4,128}$/.test(accessKeyId)
    if (!isKeyId) fail('/credentials/accessKeyId', 'must be 4 to 128 letters and digits')
    const isSecret = typeof secretAccessKey === 'string' && secretAccessKey.trim() !== ''
    if (!isSecret) fail('/credentials/secretAccessKey', 'must be a text that is not empty')
    const isToken = sessionToken === undefined || (typeof sessionToken === 'string' && sessionToken !== '')
    if (!isToken) fail('/credentials/sessionToken', 'must be a text that is not empty')
    if (!isKeyId || !isSecret || !isToken) return undefined
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  })
}
