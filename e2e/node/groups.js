// The steps of an administrator of groups.

import kafkajs from 'kafkajs'

import { asAdmin } from './kafka.js'
import { line } from './scenario.js'

export async function listGroups(kafka) {
  await asAdmin(kafka, async admin => {
    const { groups } = await admin.listGroups()
    line('groups', { names: groups.map(group => group.groupId) })
  })
}

export async function describeGroup(kafka, name) {
  await asAdmin(kafka, async admin => {
    const { groups } = await admin.describeGroups([name])
    const offsets = await admin.fetchOffsets({ groupId: name })
    const topics = [...groups[0].members.flatMap(assignedTopics), ...offsets.map(offset => offset.topic)]
    line('group', {
      name,
      state: groups[0].state,
      members: groups[0].members.length,
      topics: [...new Set(topics)].sort()
    })
  })
}

export async function resetOffsets(kafka, group, topic) {
  await asAdmin(kafka, async admin => {
    const starts = await admin.fetchTopicOffsets(topic)
    const partitions = starts.map(({ partition, low }) => ({ partition, offset: low }))
    await admin.setOffsets({ groupId: group, topic, partitions })
  })
  line('committed')
}

export async function deleteGroup(kafka, group) {
  await asAdmin(kafka, admin => admin.deleteGroups([group]))
}

function assignedTopics(member) {
  const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(member.memberAssignment)
  return Object.keys(decoded?.assignment ?? {})
}
