package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
)

type fields map[string]any

// Topics prints the topics that were listed.
func Topics(names []string) {
	line(fields{"event": "topics", "names": list(names)})
}

// Produced prints an acknowledged record.
func Produced(topic string, partition int32, offset int64) {
	line(fields{"event": "produced", "topic": topic, "partition": partition, "offset": offset})
}

// Committed prints that offsets were committed.
func Committed() {
	line(fields{"event": "committed"})
}

// Groups prints the groups that were listed.
func Groups(names []string) {
	line(fields{"event": "groups", "names": list(names)})
}

// Group prints the description of a group; topics may come twice.
func Group(name, state string, members int, topics []string) {
	topics = slices.Clone(topics)
	slices.Sort(topics)
	line(fields{"event": "group", "name": name, "state": state, "members": members,
		"topics": list(slices.Compact(topics))})
}

// A nil slice would be null in JSON.
func list(names []string) []string {
	return append([]string{}, names...)
}

func line(line fields) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
