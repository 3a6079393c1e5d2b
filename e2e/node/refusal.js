// The errors of kafkajs, in Kafka's words.

import { setTimeout as sleep } from 'node:timers/promises'

// kafkajs still has these under the names of Kafka 0.10.
const NAMES = new Map([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS'],
  [15, 'COORDINATOR_NOT_AVAILABLE'],
  [16, 'NOT_COORDINATOR']
])

// What goes away when a member asks or joins again.
const PASSING = new Set([14, 15, 16, 22, 25, 27])

// Why a coordinator was not found: kafkajs tells its log alone.
let lookup

// A log, in the shape that kafkajs wants, that prints nothing.
export function logCreator() {
  return ({ log }) => {
    if (log.error?.name === 'KafkaJSProtocolError') {
      lookup = log.error
    }
  }
}

// The Kafka error in an error of the library, if there is one in its chain of causes.
export function refusal(error) {
  for (let at = error; at; at = at.cause) {
    if (Number.isInteger(at.code) && typeof at.type === 'string') {
      return { code: at.code, name: NAMES.get(at.code) ?? at.type, message: error.message }
    }
    // kafkajs drops the code of a failed login, and puts those of several groups into a list.
    if (at.name === 'KafkaJSSASLAuthenticationError') {
      return { code: 58, name: 'SASL_AUTHENTICATION_FAILED', message: error.message }
    }
    if (at.name === 'KafkaJSGroupCoordinatorNotFound') {
      return refusal(lookup)
    }
    if (at.name === 'KafkaJSDeleteGroupsError') {
      return refusal(at.groups[0]?.error)
    }
  }
  return undefined
}

// Repeats what a rebalance or a new coordinator interrupts.
export async function retry(work) {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!PASSING.has(refusal(error)?.code)) {
        throw error
      }
    }
    // The process has a deadline.
    await sleep(100)
  }
}
