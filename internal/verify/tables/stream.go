package tables

import (
	"fmt"
	"strconv"
)

// record adds a change to the table's stream.
func (t *table) record(before, after Item) {
	name, of := "MODIFY", after
	switch {
	case before == nil:
		name = "INSERT"
	case after == nil:
		name, of = "REMOVE", before
	}
	number := fmt.Sprintf("%021d", len(t.changes)+1)
	change := map[string]any{"Keys": t.keys(of, nil), "SequenceNumber": number, "StreamViewType": "NEW_IMAGE"}
	if after != nil {
		change["NewImage"] = after
	}
	t.changes = append(t.changes, map[string]any{"eventID": number, "eventName": name, "dynamodb": change})
}

// stream answers a call of DynamoDB Streams. A stream has the name of its table and one shard; an
// iterator is a position and that name.
func (c *call) stream(in request) any {
	switch c.operation {
	case "DescribeStream":
		c.table(in.StreamArn)
		shards := []map[string]string{{"ShardId": "shardId-00000000000000000000"}}
		return map[string]any{"StreamDescription": map[string]any{"StreamArn": in.StreamArn, "Shards": shards}}
	case "GetShardIterator":
		from, _ := strconv.Atoi(in.SequenceNumber) // none: from the beginning
		return map[string]any{"ShardIterator": strconv.Itoa(max(0, from-1)) + " " + in.StreamArn}
	}
	var from int
	var name string
	if _, err := fmt.Sscan(in.ShardIterator, &from, &name); err != nil {
		panic(invalid(err.Error()))
	}
	all := c.table(name).changes
	next := strconv.Itoa(len(all)) + " " + name
	return map[string]any{"Records": all[min(from, len(all)):], "NextShardIterator": next}
}
