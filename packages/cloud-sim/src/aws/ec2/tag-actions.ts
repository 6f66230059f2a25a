import type { ActionTable } from '../call.ts'
import { missingParameter } from '../fault.ts'
import type { Params } from '../params.ts'
import { queryOf, tagsOf } from './common.ts'

export const tagActions: ActionTable = {
  CreateTags: ({ dataCentre, params }) => {
    const tags = tagsOf(params)
    if (Object.keys(tags).length === 0) throw missingParameter('Tag')
    dataCentre.tags.create(resourceIds(params), tags)
    return { return: true }
  },
  DeleteTags: ({ dataCentre, params }) => {
    // A key without a value deletes the tag whatever its value is; with a value only that pair.
    dataCentre.tags.delete(resourceIds(params), Object.fromEntries(params.list('Tag').map((tag) => [tag.required('Key'), tag.optional('Value')])))
    return { return: true }
  },
  DescribeTags: ({ dataCentre, params }) => {
    const page = dataCentre.tags.describe(queryOf(params, 'NoIds'))
    return { tagSet: page.items.map((tag) => ({ ...tag })), nextToken: page.nextToken }
  },
}

function resourceIds(params: Params): string[] {
  const ids = params.texts('ResourceId')
  if (ids.length === 0) throw missingParameter('ResourceId')
  return ids
}
