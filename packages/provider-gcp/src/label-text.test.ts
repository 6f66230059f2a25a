import { isProviderError } from '@understudy/provider'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { clonedTags, fittingName, readLabels, writeLabels } from './label-text.ts'

it('any text that fits comes back as it was, as a label that Google takes', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 15, unit: 'grapheme' }), fc.string({ maxLength: 15, unit: 'grapheme' }), (key, value) => {
      let labels: Record<string, string>
      try {
        labels = writeLabels({ [key]: value })
      } catch (error) {
        return isProviderError(error, 'invalid') // said, and not written as something else
      }
      const [label, text] = Object.entries(labels)[0] ?? ['', '']
      expect(label).toMatch(/^[a-z][a-z0-9_-]{0,62}$/)
      expect(text).toMatch(/^[a-z0-9_-]{0,63}$/)
      expect(readLabels(labels)).toEqual({ [key]: value })
      return true
    }),
  )
})

it('labels that people have written are read as they are', () => {
  const labels = { team: 'shop', cost_centre: 'a-1', 'x-ray': 'my_label' }
  expect(readLabels(labels)).toEqual(labels)
  expect(writeLabels(labels)).toEqual(labels)
})

it('a tag that does not fit is refused, and a name is cut', () => {
  expect(() => writeLabels({ key: 'x'.repeat(64) })).toThrow(/does not fit/)
  expect(fittingName('Ä'.repeat(40)).length).toBe(10)
})

it('a clone takes over neither our tags nor those that Google writes', () => {
  const source = { team: 'shop', 'understudy:op': 'old', 'goog-gke-node': 'x' }
  expect(clonedTags(source, { 'understudy:op': 'new' })).toEqual({ team: 'shop', 'understudy:op': 'new' })
})
