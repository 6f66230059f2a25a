import type { Labels } from '@understudy/core'
import { clonedTagsWithin } from '@understudy/provider/adapter-kit'

/** The image that the source of a stand-in was made of. */
export const imageTag = 'understudy:image'
/** Hash of what was asked for under a key: tells a repeated creation from another under the same key. */
export const specTag = 'understudy:spec'
/** `stopped` or `held` until a new stand-in has come to rest there once. */
export const restTag = 'understudy:rest'

/** On a collection of restore points, and on a snapshot: the VM, as it was named when it was captured, and its zone. */
export const sourceTag = 'understudy:source'
export const zoneTag = 'understudy:zone'

/** On a snapshot: the place of the disk, how many snapshots belong together, and the kind of the disk. */
export const deviceTag = 'understudy:device'
export const membersTag = 'understudy:members'
export const typeTag = 'understudy:disk-type'

/** On a copy in another region: what it is a copy of. On that of a snapshot also the family of the snapshots of its disk. */
export const copyOfTag = 'understudy:copy-of'
export const familyTag = 'understudy:family'

/** On a disk, and on a snapshot of one: how the host cached it where it was plugged in last, and shall again. */
export const cachingTag = 'understudy:caching'

const maxValueLength = 256

/** A tag that holds an id. ARM refuses a longer value than an id may be; who reads the tag asks the resource itself where it is not there. */
export const idTag = (tag: string, id: string | undefined): Labels => (id === undefined || id.length > maxValueLength ? {} : { [tag]: id })

/** ARM takes at most this many tags on one resource. */
const maxTags = 50

/** The source's tags on a clone of it, as many as ARM takes beside `added`. */
export const clonedTags = (source: Labels, added: Labels): Labels => clonedTagsWithin(source, added, { tagsMax: maxTags, reservedPrefix: 'hidden-' })
