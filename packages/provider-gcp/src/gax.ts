import { createRequire } from 'node:module'
import type { InstancesClient } from '@google-cloud/compute/build/src/v1/index.js'

/** As much as is known here of the library that the SDK's clients stand on. */
interface Gax {
  readonly fallback: { readonly GrpcClient: new (options: object) => DescriptionReader }
}
interface DescriptionReader {
  loadProtoJSON(description: object, ignoreCache?: boolean): object
}

/** What constructors of clients take. */
type SdkGax = NonNullable<ConstructorParameters<typeof InstancesClient>[1]>

let own: Gax | undefined

/**
 * That library, for the constructors of the clients. As it comes, each client of each account writes 12 MB of the API's description as
 * text and hashes that, only to learn that it has been read before: most of a second for an account. This one knows it by the object it
 * is. It must be the SDK's own copy, which is what the SDK finds, wherever npm has put it.
 */
export function gaxOfSdk(): Gax & SdkGax {
  own ??= rememberingDescriptions(createRequire(createRequire(import.meta.url).resolve('@google-cloud/compute'))('google-gax') as Gax)
  return own as Gax & SdkGax // the SDK's own, with one method in front of it
}

function rememberingDescriptions(gax: Gax): Gax {
  const known = new Map<object, object>()
  class GrpcClient extends gax.fallback.GrpcClient {
    override loadProtoJSON(description: object, ignoreCache = false): object {
      const read = (ignoreCache ? undefined : known.get(description)) ?? super.loadProtoJSON(description, ignoreCache)
      known.set(description, read)
      return read
    }
  }
  return { ...gax, fallback: { ...gax.fallback, GrpcClient } }
}
