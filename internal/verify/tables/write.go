package tables

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// maxItem is the size of the largest item.
const maxItem = 400 << 10

// change is a write that was evaluated and is not applied yet.
type change struct {
	t             *table
	key           Item
	kind          string // Put, Update, Delete or ConditionCheck
	before, after Item
	holds         bool
}

func (c *call) evaluate(kind string, w write) change {
	t := c.table(w.TableName)
	key := w.Key
	if kind == "Put" {
		key = t.keys(w.Item, nil)
	}
	before := t.get(key)
	e := change{t: t, key: t.keys(key, nil), kind: kind, before: before}
	current := before
	if current == nil {
		current = Item{}
	}
	e.holds = holds(w.ConditionExpression, w.ExpressionAttributeNames, w.ExpressionAttributeValues, current)
	switch {
	case !e.holds || kind == "ConditionCheck":
		e.after = before
	case kind == "Put":
		e.after = w.Item
	case kind == "Update":
		from := current
		if before == nil {
			from = key
		}
		e.after = update(w.UpdateExpression, w.ExpressionAttributeNames, w.ExpressionAttributeValues, from)
	}
	if e.after.Size() > maxItem {
		panic(invalid("the item is too large"))
	}
	return e
}

// apply writes the change and counts it, factor times.
func (c *call) apply(e change, factor int) {
	u := Use{Table: e.t.Name, Operation: c.operation, Key: e.key, Bytes: e.after.Size(),
		Write: float64(factor * writeUnits(max(e.before.Size(), e.after.Size())))}
	if factor > 1 {
		u.Operation += "." + e.kind
	}
	c.use(u)
	if !e.holds || e.kind == "ConditionCheck" || e.before == nil && e.after == nil {
		return
	}
	indexes := e.t.write(e.before, e.after)
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		c.use(Use{Table: e.t.Name, Index: name, Operation: u.Operation, Key: u.Key, Write: float64(indexes[name])})
	}
	if maps.EqualFunc(e.before, e.after, equal) {
		return
	}
	if e.t.streamed {
		e.t.record(e.before, e.after)
	}
	if c.Changed != nil {
		c.changes = append(c.changes, func() { c.Changed(e.t.Name, e.before, e.after) })
	}
}

func (c *call) writeOne(in request) any {
	e := c.evaluate(c.operation[:len(c.operation)-len("Item")], in.write)
	c.apply(e, 1)
	if !e.holds {
		err := &apiError{Type: failed + "Exception", Message: "The conditional request failed"}
		if in.OnFailure == "ALL_OLD" {
			err.Item = e.before
		}
		panic(err)
	}
	switch in.ReturnValues {
	case "ALL_NEW", "UPDATED_NEW":
		return map[string]any{"Attributes": e.after}
	case "ALL_OLD":
		return map[string]any{"Attributes": e.before}
	}
	return struct{}{}
}

func (c *call) batchWrite(in request) any {
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		var requests []struct {
			PutRequest    *struct{ Item Item }
			DeleteRequest *struct{ Key Item }
		}
		if err := json.Unmarshal(in.RequestItems[name], &requests); err != nil || len(requests) > 25 {
			panic(invalid(fmt.Sprint("bad requests: ", err)))
		}
		for _, r := range requests {
			if r.PutRequest != nil {
				c.apply(c.evaluate("Put", write{get: get{TableName: name}, Item: r.PutRequest.Item}), 1)
			} else {
				c.apply(c.evaluate("Delete", write{get: get{name, r.DeleteRequest.Key}}), 1)
			}
		}
	}
	return map[string]any{"UnprocessedItems": struct{}{}}
}

// transact writes all or nothing.
func (c *call) transact(in request) error {
	if n := len(in.TransactItems); n == 0 || n > 100 {
		panic(invalid(fmt.Sprintf("%d items in a transaction", n)))
	}
	var all []change
	var reasons []map[string]any
	refused := false
	seen := map[string]bool{}
	for _, i := range in.TransactItems {
		kind, w := i.write()
		e := c.evaluate(kind, w)
		pk, sk := e.t.key(e.key)
		if id := e.t.Name + "\x00" + pk + "\x00" + sk; seen[id] {
			panic(invalid("Transaction request cannot include multiple operations on one item"))
		} else {
			seen[id] = true
		}
		reason := map[string]any{"Code": "None"}
		if !e.holds {
			refused = true
			reason = map[string]any{"Code": failed, "Message": "The conditional request failed"}
			if w.OnFailure == "ALL_OLD" && e.before != nil {
				reason["Item"] = e.before
			}
		}
		all, reasons = append(all, e), append(reasons, reason)
	}
	for _, e := range all {
		e.holds = !refused
		if refused {
			e.after = e.before
		}
		c.apply(e, 2)
	}
	if refused {
		return &apiError{Type: "TransactionCanceledException", Message: "Transaction cancelled", Reasons: reasons}
	}
	return nil
}

func (i transactItem) write() (string, write) {
	switch {
	case i.Put != nil:
		return "Put", *i.Put
	case i.Update != nil:
		return "Update", *i.Update
	case i.Delete != nil:
		return "Delete", *i.Delete
	case i.ConditionCheck != nil:
		return "ConditionCheck", *i.ConditionCheck
	}
	panic(invalid("an empty item in a transaction"))
}
