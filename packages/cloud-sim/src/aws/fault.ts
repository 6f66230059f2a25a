import { SimError } from '../datacentre/sim-error.ts'

export const missingParameter = (name: string): SimError => new SimError('MissingParameter', `The request must contain the parameter ${name}`)

export const invalidValue = (value: string, name: string, why = ''): SimError =>
  new SimError('InvalidParameterValue', `Value (${value}) for parameter ${name} is invalid.${why === '' ? '' : ` ${why}`}`)

export const invalidCombination = (message: string): SimError => new SimError('InvalidParameterCombination', message)
