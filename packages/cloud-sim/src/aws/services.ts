import type { Authorization } from './sigv4.ts'

export type RestService = 'ebs' | 'route53'
export type Service = 'ec2' | 'elasticloadbalancing' | 'sqs' | 'ssm' | 'sts' | RestService

const versions: Record<string, Exclude<Service, 'ssm' | RestService>> = {
  '2016-11-15': 'ec2',
  '2015-12-01': 'elasticloadbalancing',
  '2012-11-05': 'sqs',
  '2011-06-15': 'sts',
}
const names: readonly string[] = [...Object.values(versions), 'ssm', 'ebs', 'route53']

/**
 * Which service a request is for: the scope it was signed for; without a usable signature the target header or the API
 * version in it, so that even a refusal comes in the right protocol.
 */
export function serviceOf(authorization: Authorization | undefined, target: string, version: string | undefined): Service | undefined {
  if (authorization !== undefined) return names.includes(authorization.service) ? (authorization.service as Service) : undefined // just checked
  if (target.startsWith('AmazonSQS.')) return 'sqs'
  if (target.startsWith('AmazonSSM.')) return 'ssm'
  return version === undefined ? undefined : versions[version]
}
