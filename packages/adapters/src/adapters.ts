import type { Adapter } from '@understudy/provider'
import { awsAdapter } from '@understudy/provider-aws'
import { azureAdapter } from '@understudy/provider-azure'
import { gcpAdapter } from '@understudy/provider-gcp'

/** The clouds there are. The one place that names them: a new one is its package and a line here. */
export const adapters: readonly Adapter[] = [awsAdapter, azureAdapter, gcpAdapter]
