import { sagaDefinitions } from '@understudy/control'
import { describeSaga } from '@understudy/saga'

/** The platform's riskiest code, as a list that can be read aloud. */
export function printSagas(say: (line: string) => void): void {
  for (const saga of sagaDefinitions) say(`${describeSaga(saga)}\n`)
}
