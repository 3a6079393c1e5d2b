// What every step shares: its deadlines, the JSON lines, and the records seen so far.

// No step takes longer, in milliseconds.
export const WHOLE = 30_000
// Reading ends earlier, so that there is time left to commit what came.
export const READING = 25_000

export function line(event, fields = {}) {
  console.log(JSON.stringify({ event, ...fields }))
}

export function outgoing(keys, count) {
  return Array.from({ length: Number(count) }, (_, i) => ({
    key: `${keys}${i}`,
    value: `value of ${keys}${i}`
  }))
}

// Takes records of one topic until it has enough. It knows them by their place: a rebalance may deliver one again.
export class Seen {
  #records = new Map()

  constructor(topic, count) {
    this.topic = topic
    this.count = Number(count)
  }

  get isFull() {
    return this.#records.size >= this.count
  }

  get records() {
    return [...this.#records.values()]
  }

  add(partition, message) {
    const place = `${partition}/${message.offset}`
    if (this.isFull || this.#records.has(place)) {
      return
    }
    const record = {
      topic: this.topic,
      partition,
      offset: Number(message.offset),
      key: text(message.key),
      value: text(message.value)
    }
    this.#records.set(place, record)
    line('record', record)
  }

  // The offset to read next in each partition, as kafkajs wants it.
  get next() {
    const next = new Map()
    for (const { partition, offset } of this.#records.values()) {
      next.set(partition, Math.max(next.get(partition) ?? 0, offset + 1))
    }
    return [...next].map(([partition, offset]) => ({ partition, offset: String(offset) }))
  }
}

function text(data) {
  return data === null ? null : data.toString()
}
