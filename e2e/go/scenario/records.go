package scenario

import (
	"fmt"
	"sync"
)

// Record is a record to send or one that was read.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
}

// Outgoing are the records that every client sends.
func Outgoing(topic, keys string, count int) []Record {
	records := make([]Record, count)
	for i := range records {
		key := fmt.Sprintf("%s%d", keys, i)
		records[i] = Record{Topic: topic, Key: []byte(key), Value: []byte("value of " + key)}
	}
	return records
}

// Seen takes records until it has enough. It knows them by their place: a rebalance may deliver one again.
type Seen struct {
	mutex   sync.Mutex
	want    int
	places  map[place]bool
	records []Record
}

type place struct {
	partition int32
	offset    int64
}

// NewSeen wants so many records of one topic.
func NewSeen(want int) *Seen {
	return &Seen{want: want, places: map[place]bool{}}
}

// Add takes and prints a record that is new, unless there are enough.
func (s *Seen) Add(record Record) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	at := place{record.Partition, record.Offset}
	if len(s.records) >= s.want || s.places[at] {
		return
	}
	s.places[at] = true
	s.records = append(s.records, record)
	line(fields{"event": "record", "topic": record.Topic, "partition": record.Partition,
		"offset": record.Offset, "key": string(record.Key), "value": string(record.Value)})
}

// Missing is how many records are still to come.
func (s *Seen) Missing() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.want - len(s.records)
}

// Records are those that were taken.
func (s *Seen) Records() []Record {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Record{}, s.records...)
}

// Next is the offset to read next, by partition: what is committed.
func (s *Seen) Next() map[int32]int64 {
	next := map[int32]int64{}
	for _, record := range s.Records() {
		next[record.Partition] = max(next[record.Partition], record.Offset+1)
	}
	return next
}
