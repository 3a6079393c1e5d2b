// The steps with a transactional producer.

import { outgoing, line, Seen } from './scenario.js'
import { PRODUCER, send } from './kafka.js'
import { reading } from './read.js'

export async function transact(kafka, topic, transactionalId, count, keys, end) {
  await inTransaction(kafka, transactionalId, end, transaction => send(transaction, topic, outgoing(keys, count)))
}

export async function copy(kafka, from, to, group, transactionalId, count) {
  const seen = new Seen(from, count)
  await reading(kafka, group, seen, { readUncommitted: false }, async () => {
    if (!seen.isFull) {
      throw new Error(`only ${seen.records.length} of ${count} records came`)
    }
    await inTransaction(kafka, transactionalId, 'commit', async transaction => {
      await send(transaction, to, seen.records.map(({ key, value }) => ({ key, value })))
      await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic: from, partitions: seen.next }] })
    })
    line('committed')
  })
}

async function inTransaction(kafka, transactionalId, end, work) {
  const producer = kafka.producer({ ...PRODUCER, transactionalId, idempotent: true })
  await producer.connect()
  try {
    const transaction = await producer.transaction()
    try {
      await work(transaction)
    } catch (error) {
      // The refusal is what counts; the transaction ends with its timeout at the latest.
      await transaction.abort().catch(() => {})
      throw error
    }
    await (end === 'commit' ? transaction.commit() : transaction.abort())
  } finally {
    await producer.disconnect()
  }
}
