// The kafkajs client of the common scenario: CONFIG.json STEP ARGUMENTS, one JSON object per line on standard output.

import { readFileSync } from 'node:fs'

import { deleteGroup, describeGroup, listGroups, resetOffsets } from './groups.js'
import { connection, list, produce } from './kafka.js'
import { consume, readFromBeginning, readFromTime } from './read.js'
import { refusal } from './refusal.js'
import { line, WHOLE } from './scenario.js'
import { copy, transact } from './transactions.js'

const steps = {
  list,
  produce,
  consume: (kafka, ...args) => consume(kafka, { readUncommitted: true }, ...args),
  'consume-committed': (kafka, ...args) => consume(kafka, { readUncommitted: false }, ...args),
  'read-from-beginning': readFromBeginning,
  'read-from-time': readFromTime,
  transact,
  copy,
  'list-groups': listGroups,
  'describe-group': describeGroup,
  'reset-offsets': resetOffsets,
  'delete-group': deleteGroup
}

const [path, name, ...args] = process.argv.slice(2)
const step = steps[name]
if (step === undefined) {
  fail(`this library has no step ${name}`)
}
setTimeout(() => fail(`${name} still runs after ${WHOLE} ms`), WHOLE).unref()
try {
  await step(connection(JSON.parse(readFileSync(path, 'utf8'))), ...args)
} catch (error) {
  const refused = refusal(error)
  if (refused === undefined) {
    fail(error.stack)
  }
  line('error', refused)
}
// Timers of the library would keep the process alive.
process.exit(0)

function fail(message) {
  console.error(message)
  process.exit(1)
}
