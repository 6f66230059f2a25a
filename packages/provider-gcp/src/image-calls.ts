import type { protos } from '@google-cloud/compute'
import { changeOptions, listed, listOptions, readOptions } from './call-kit.ts'
import type { Accepted, Tell } from './call-kit.ts'

export type Image = protos.google.cloud.compute.v1.IImage

interface Requested {
  readonly requestId: string
  readonly signal?: AbortSignal | undefined
}

/** Images of the project's own, and the regions in which they can be stored. */
export const imageCalls = (project: string, tell: Tell, accepted: Accepted) => ({
  listImages: (filter: string) => listed(tell, ({ images }) => images.listAsync({ project, filter, maxResults: 500 }, listOptions)),
  getImage: (image: string) => tell('read', async ({ images }) => (await images.get({ project, image }, readOptions))[0]),
  insertImage: (imageResource: Image, { requestId, signal }: Requested) =>
    accepted(({ images }) => images.insert({ project, imageResource, requestId }, changeOptions), { signal }),
  deleteImage: (image: string, { requestId, signal }: Requested) =>
    accepted(({ images }) => images.delete({ project, image, requestId }, changeOptions), { signal }),
  listRegions: () => listed(tell, ({ regions }) => regions.listAsync({ project, maxResults: 500 }, listOptions)),
})
