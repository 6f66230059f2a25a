import type { Clock, Random } from '@understudy/core'
import type { AddressGuard, Scope, Traits } from '@understudy/provider'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What a person configures for one AWS account in one region. */
export interface AwsAccountSettings {
  /** Replaces AWS's own address for all services: another EC2-compatible cloud, a proxy, a simulated region. */
  readonly endpoint?: string
  readonly endpoints?: { readonly [Service in AwsService]?: string }
  /** SQS queue that EventBridge rules send instance events to. Without it, events have to come in by HTTP. */
  readonly eventsQueueUrl?: string
  /** Replace what is assumed before anything has been measured. */
  readonly expectedSeconds?: Partial<Traits['expectedSeconds']>
  /** Replace the published token buckets of AWS, for an account whose limits were raised and for endpoints that are not AWS. */
  readonly limits?: Partial<Traits['limits']>
}
export type AwsService = 'ebs' | 'ec2' | 'elbv2' | 'route53' | 'sqs' | 'ssm' | 'sts'

/** Everything the adapter needs. */
export interface AwsSettings extends AwsAccountSettings {
  readonly scope: { readonly account: string; readonly region: string }
  /** `default-chain`: environment, shared files, container or instance role, as the AWS SDK looks for them. */
  readonly credentials: AwsCredentials | 'default-chain'
  /** Name of this installation; written on everything created, and sent in the user agent. */
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  /** Asked about every address that is connected to. */
  readonly guard?: AddressGuard
  /** Of one HTTP request, in real time. Default: 3 s to connect, 30 s until the answer is there. */
  readonly timeouts?: { readonly connectMs: number; readonly requestMs: number }
}

export const providerName = 'aws'
export const scopeOf = (settings: Pick<AwsSettings, 'scope'>): Scope => ({
  provider: providerName,
  account: settings.scope.account,
  region: settings.scope.region,
})
