// The steps that read.

import { randomUUID } from 'node:crypto'

import { asAdmin } from './kafka.js'
import { retry } from './refusal.js'
import { line, READING, Seen } from './scenario.js'

export async function consume(kafka, { readUncommitted }, topic, group, count) {
  const seen = new Seen(topic, count)
  await reading(kafka, group, seen, { readUncommitted }, async consumer => {
    if (seen.next.length > 0) {
      const offsets = seen.next.map(at => ({ topic, ...at }))
      await retry(() => consumer.commitOffsets(offsets))
      line('committed')
    }
  })
}

export async function readFromBeginning(kafka, topic, count) {
  await assign(kafka, new Seen(topic, count))
}

export async function readFromTime(kafka, topic, timestamp, count) {
  const from = await asAdmin(kafka, admin => admin.fetchTopicOffsetsByTimestamp(topic, Number(timestamp)))
  await assign(kafka, new Seen(topic, count), from)
}

// kafkajs cannot read without a group: one that nobody else is in, and that commits nothing, comes nearest.
async function assign(kafka, seen, from) {
  await reading(kafka, `reader-${randomUUID()}`, seen, { from }, async () => {})
}

// Reads with a group until everything is seen or the time is over; then `end` is called with the group still joined.
export async function reading(kafka, group, seen, { readUncommitted = true, from = [] }, end) {
  const consumer = kafka.consumer({ groupId: group, readUncommitted, maxWaitTimeInMs: 250, allowAutoTopicCreation: false })
  // Before the first fetch of each generation: a rebalance forgets where a group without commits was.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const at of from) {
      consumer.seek({ topic: seen.topic, ...at })
    }
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic: seen.topic, fromBeginning: true })
    await untilFull(consumer, seen)
    await end(consumer)
  } finally {
    await consumer.disconnect()
  }
}

function untilFull(consumer, seen) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, READING)
    // Without a restart the library has given up.
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error))
    const eachMessage = async ({ partition, message }) => {
      seen.add(partition, message)
      if (seen.isFull) {
        resolve()
      }
    }
    consumer.run({ autoCommit: false, eachMessage }).then(() => seen.isFull && resolve(), reject)
  })
}
