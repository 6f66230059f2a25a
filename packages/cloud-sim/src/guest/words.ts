/** One command: its words, and where its output goes. */
export interface SimpleCommand {
  readonly words: readonly string[]
  readonly output?: { readonly path: string; readonly append: boolean }
  /** `>&2` */
  readonly toError: boolean
  /** How it follows from the one before. */
  readonly after: ';' | '&&' | '||'
}

/** What the simulated shell does not understand; a real one might. */
export class SyntaxFault extends Error {}

type Token = { readonly word: string } | { readonly operator: string }

/** Splits a script into commands. Words may be quoted; `$?` is left for the shell. No pipes, variables, loops or substitutions. */
export function commandsIn(script: string): readonly SimpleCommand[] {
  const commands: SimpleCommand[] = []
  let words: string[] = []
  let output: SimpleCommand['output']
  let toError = false
  let after: SimpleCommand['after'] = ';'
  const end = (next: SimpleCommand['after']): void => {
    if (words.length > 0) commands.push({ words, ...(output === undefined ? {} : { output }), toError, after })
    else if (next !== ';') throw new SyntaxFault(`syntax error near unexpected token \`${next}'`)
    words = []
    output = undefined
    toError = false
    after = next
  }
  const tokens = tokensOf(script)
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    if ('word' in token) words.push(token.word)
    else if (token.operator === '>' || token.operator === '>>') {
      const target = tokens[(at += 1)]
      if (target === undefined || !('word' in target)) throw new SyntaxFault("syntax error near unexpected token `newline'")
      output = { path: target.word, append: token.operator === '>>' }
    } else if (token.operator === '>&2') toError = true
    else end(token.operator === '\n' ? ';' : (token.operator as SimpleCommand['after'])) // of those that `tokensOf` knows
  }
  end(';')
  return commands
}

const operators = ['&&', '||', '>>', '>&2', '>', ';', '\n'] as const
const unknown = /^[|&<`(){}]|^\$(?!\?)/

function tokensOf(script: string): readonly Token[] {
  const tokens: Token[] = []
  let word: string | undefined
  const close = (): void => {
    if (word !== undefined) tokens.push({ word })
    word = undefined
  }
  for (let at = 0; at < script.length;) {
    const rest = script.slice(at)
    const operator = operators.find((candidate) => rest.startsWith(candidate))
    const quoted = /^'([^']*)'|^"((?:[^"\\$`]|\\.)*)"/.exec(rest)
    if (operator !== undefined) {
      close()
      tokens.push({ operator })
      at += operator.length
    } else if (quoted !== null) {
      word = (word ?? '') + (quoted[1] ?? quoted[2]!.replaceAll(/\\(.)/g, '$1')) // one of the two has matched
      at += quoted[0].length
    } else if (/^[ \t]/.test(rest)) {
      close()
      at += 1
    } else if (word === undefined && rest.startsWith('#')) {
      at += /^[^\n]*/.exec(rest)![0].length // matches anything
    } else if (unknown.test(rest)) throw new SyntaxFault(`\`${rest[0] ?? ''}' is not simulated`)
    else {
      const escaped = rest.startsWith('\\')
      word = (word ?? '') + (rest[escaped ? 1 : 0] ?? '')
      at += escaped ? 2 : 1
    }
  }
  close()
  return tokens
}
