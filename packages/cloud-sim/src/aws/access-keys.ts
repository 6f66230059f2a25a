/** The account and the key that every simulated region accepts unless told otherwise. They open nothing but simulations. */
export const simulatedAccountId = '123456789012'
export const simulatedAccessKeyId = 'AKIASIMULATED0000001'
export const simulatedSecretAccessKey = 'simulated/secret/key/that/opens/no/real/door'

export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly account: string
  readonly arn: string
  readonly userId: string
  /** Actions this key may not call: `ec2:RunInstances`, `sqs:*`, `*`. */
  deny: readonly string[]
}

/** The keys a simulated cloud knows. */
export class AccessKeys {
  readonly #keys = new Map<string, AccessKey>()
  readonly #account: string

  constructor(account: string) {
    this.#account = account
    this.add({ accessKeyId: simulatedAccessKeyId, secretAccessKey: simulatedSecretAccessKey, user: 'understudy' })
  }

  add(key: { accessKeyId: string; secretAccessKey: string; user?: string; deny?: readonly string[] }): AccessKey {
    const user = key.user ?? key.accessKeyId.toLowerCase()
    const added: AccessKey = {
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      account: this.#account,
      arn: `arn:aws:iam::${this.#account}:user/${user}`,
      userId: `AIDA${key.accessKeyId.slice(4)}`,
      deny: key.deny ?? [],
    }
    this.#keys.set(key.accessKeyId, added)
    return added
  }

  restore(key: AccessKey): void {
    this.#keys.set(key.accessKeyId, { ...key })
  }

  all(): AccessKey[] {
    return [...this.#keys.values()]
  }

  find(accessKeyId: string): AccessKey | undefined {
    return this.#keys.get(accessKeyId)
  }
}

/** `action` as policies write it: `ec2:RunInstances`. */
export const isDenied = (key: AccessKey, action: string): boolean =>
  key.deny.some((denied) => denied === '*' || denied === action || (denied.endsWith(':*') && action.startsWith(denied.slice(0, -1))))
