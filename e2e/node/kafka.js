// The connection, and the steps that need nothing else.

import { readFileSync } from 'node:fs'

import kafkajs from 'kafkajs'

import { logCreator } from './refusal.js'
import { line, outgoing } from './scenario.js'

export function connection(config) {
  return new kafkajs.Kafka({
    clientId: 'kafkajs',
    brokers: config.bootstrap.split(','),
    logLevel: kafkajs.logLevel.DEBUG,
    logCreator,
    ssl: config.ca === null ? false : { ca: [readFileSync(config.ca, 'utf8')] },
    sasl:
      config.mechanism === null
        ? undefined
        : { mechanism: config.mechanism.toLowerCase(), username: config.user, password: config.password }
  })
}

export async function list(kafka) {
  await asAdmin(kafka, async admin => {
    line('topics', { names: await admin.listTopics() })
  })
}

export async function produce(kafka, topic, count, keys) {
  const producer = kafka.producer({ ...PRODUCER, idempotent: true })
  await producer.connect()
  try {
    await send(producer, topic, outgoing(keys, count))
  } finally {
    await producer.disconnect()
  }
}

export const PRODUCER = {
  allowAutoTopicCreation: false,
  maxInFlightRequests: 1,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner
}

// One at a time: the answer to several only says where the first one went.
export async function send(sender, topic, messages) {
  for (const message of messages) {
    const [at] = await sender.send({ topic, acks: -1, messages: [message] })
    line('produced', { topic, partition: at.partition, offset: Number(at.baseOffset) })
  }
}

export async function asAdmin(kafka, work) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}
