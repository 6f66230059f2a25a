import { mkdirSync, readFileSync, rmSync, writeFileSync, linkSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Runs `work` while holding a lock file that names this process. Waits for a living holder; takes over from one that died.
 * The file appears complete or not at all (written aside, then linked), so that nobody reads a lock without a holder.
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true })
  let said = false
  while (!tryLock(file)) {
    const holder = holderOf(file)
    if (holder !== undefined && !isAlive(holder)) {
      // Only one of several waiters may remove the dead lock; otherwise the slower one would remove the winner's.
      if (removeDead(file, holder)) continue
    }
    if (!said) console.error(`understudy: waiting for process ${holder ?? '?'}, which is preparing this folder (${file}).`)
    said = true
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function tryLock(file) {
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, String(process.pid))
  try {
    linkSync(aside, file)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function removeDead(file, holder) {
  const claim = `${file}.dead-${holder}`
  try {
    // The claim is a directory because making one is atomic; whoever makes it removes the lock, if it is still the dead one's.
    mkdirSync(claim)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  if (holderOf(file) === holder) rmSync(file, { force: true })
  rmSync(claim, { recursive: true, force: true })
  return true
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined // Released between our attempt and this reading.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM' // It exists and belongs to somebody else.
  }
}
