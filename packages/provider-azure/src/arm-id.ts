/** The parts of `/subscriptions/{s}/resourceGroups/{g}/providers/{type}/{name}`. Case does not matter to ARM. */
export interface ArmId {
  readonly subscription: string
  readonly group: string
  readonly type: string
  readonly name: string
}

const pattern = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+\/[^/]+)\/([^/]+)$/i

/** `undefined` for what is no id of a top-level resource. */
export function parseArmId(id: string): ArmId | undefined {
  const [, subscription, group, type, name] = pattern.exec(id) ?? []
  if (subscription === undefined || group === undefined || type === undefined || name === undefined) return undefined
  return { subscription, group, type: type.toLowerCase(), name }
}

export const sameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** ARM writes a region as its name, and takes what people see of it too: `West Europe`. */
export const isIn = (location: string | undefined, region: string): boolean => plain(location ?? '') === plain(region)
const plain = (location: string): string => location.replaceAll(' ', '').toLowerCase()

/** Name of what a key makes. 12 of the key's 32 digits: 2^48 keys; who owns a name is told by the tag, not by the name. */
export const nameOf = (key: string, part = ''): string => `us-${key.slice(0, 12)}${part === '' ? '' : `-${part}`}`
/** Of the name of a public address that comes and goes with a stand-in. */
export const addressPart = 'ip'
