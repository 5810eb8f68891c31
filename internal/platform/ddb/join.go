package ddb

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox"
)

// Hosting returns the table with a host for the barrier records of each saga: the item of the
// saga's aggregate, whose id is the saga's. A step usually writes this item anyway. If it does not
// exist, the records create an item without a version, which is not an aggregate; see Versioned.
func (t *Table) Hosting(host func(saga string) (pk, sk string)) *Table {
	hosting := *t
	hosting.hosts = host
	return &hosting
}

// host returns the key of a saga's host. The records of consumed events are items of their own,
// because they expire and an aggregate does not.
func (t *Table) host(saga string) (key Values, ok bool) {
	if t.hosts == nil || barrier.IsEvent(saga) {
		return nil, false
	}
	return Key(t.hosts(saga)), true
}

// join adds the records and events of a change to its writes. Records are attributes of the saga's
// host, or items of their own. Events are an attribute of an item that is written anyway, or items
// of their own. While t.Previous, events are items and records are both: functions of the previous
// release read and race for items, those of this release for attributes.
func (t *Table) join(records commit.Records, events []envelope.Event, ops []Op) []Op {
	var own []Op // the records that are items
	ops = slices.Clone(ops)
	var host Values
	hosted := false
	if len(records.Barriers) > 0 {
		if host, hosted = t.host(records.Barriers[0].Saga); hosted {
			i := slices.IndexFunc(ops, func(op Op) bool { return op.on(host) })
			if i < 0 {
				update := types.TransactWriteItem{Update: &types.Update{TableName: &t.Name, Key: host}}
				ops, i = slices.Insert(ops, 0, Op{Write: update}), 0
			}
			ops[i] = ops[i].recording(records.Barriers)
		}
	}
	if !hosted || t.Previous {
		for _, rec := range records.Barriers {
			own = append(own, t.putBarrier(rec))
		}
	}
	if records.Reply != nil {
		own = append(own, t.putReply(*records.Reply))
	}
	ops = append(own, ops...)
	carrier := carrier(ops, host)
	if t.Previous || carrier < 0 {
		for i, e := range events {
			ops = append(ops, t.putEvent(e, records.Events[i]))
		}
		carrier = -1
	}
	for i, op := range ops {
		switch {
		case i == carrier && len(events) > 0:
			ops[i] = op.with(setting(outbox.Attribute, string(list(records.Events))))
		case op.Write.Update != nil:
			ops[i] = op.with(addition{name: outbox.Attribute})
		}
	}
	return ops
}

// carrier returns the write that carries the events: the one marked for it, else that of the saga's
// host, else that of a new record rather than of an item that is written again. It returns -1 if
// there is none.
func carrier(ops []Op, host Values) int {
	for _, takes := range []func(Op) bool{
		func(op Op) bool { return op.Events }, func(op Op) bool { return host != nil && op.on(host) }, Op.carries,
	} {
		if i := slices.IndexFunc(ops, takes); i >= 0 {
			return i
		}
	}
	return -1
}

// list returns a JSON array.
func list(elements [][]byte) []byte {
	return slices.Concat([]byte("["), bytes.Join(elements, []byte(",")), []byte("]"))
}

// carries reports whether the write can set attributes.
func (op Op) carries() bool { return op.Write.Put != nil || op.Write.Update != nil }

// on reports whether the write can set attributes of the item of key.
func (op Op) on(key Values) bool {
	switch {
	case op.Write.Put != nil:
		return keyOf(op.Write.Put.Item) == keyOf(key)
	case op.Write.Update != nil:
		return keyOf(op.Write.Update.Key) == keyOf(key)
	}
	return false
}

// recording adds barrier records that must not exist.
func (op Op) recording(records []barrier.Record) Op {
	for _, rec := range records {
		a := setting(recordName(rec.Key), string(rec.Origin)+" "+string(rec.Result))
		a.once = true
		op = op.with(a)
		op.records = append(op.records, a.name)
	}
	return op
}

// addition sets an attribute, or removes it if it has no value.
type addition struct {
	name  string
	value types.AttributeValue
	once  bool // on condition that there is none
}

func setting(name, value string) addition { return addition{name: name, value: String(value)} }

// with returns a copy of the write with an addition.
func (op Op) with(a addition) Op {
	short := a.name
	if a.once {
		short = "record" + strconv.Itoa(len(op.records))
	}
	name, value := "#"+short, ":"+short
	names := map[string]string{name: a.name}
	if put := op.Write.Put; put != nil {
		next := *put
		next.Item = maps.Clone(put.Item)
		next.Item[a.name] = a.value
		if a.once {
			next.ConditionExpression = both(put.ConditionExpression, name)
			next.ExpressionAttributeNames = merged(put.ExpressionAttributeNames, names)
			next.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		}
		op.Write.Put = &next
		return op
	}
	next := *op.Write.Update
	next.ExpressionAttributeNames = merged(next.ExpressionAttributeNames, names)
	expression := aws.ToString(next.UpdateExpression)
	if a.value == nil {
		expression = clause(expression, "REMOVE", name)
	} else {
		expression = clause(expression, "SET", name+" = "+value)
		next.ExpressionAttributeValues = merged(next.ExpressionAttributeValues, Values{value: a.value})
	}
	next.UpdateExpression = &expression
	if a.once {
		next.ConditionExpression = both(next.ConditionExpression, name)
		next.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	op.Write.Update = &next
	return op
}

// token is the attribute with the token of an item's last conditional write.
const token = "token"

// tokened returns a copy of a conditional write with a token. If the SDK repeats the write because
// the answer was lost, its condition fails, and the token in the item tells that it took effect.
// Transactions have tokens by themselves.
func (op Op) tokened(value string) Op {
	old := types.ReturnValuesOnConditionCheckFailureAllOld
	switch put, update := op.Write.Put, op.Write.Update; {
	case put != nil && put.ConditionExpression != nil:
		op = op.with(setting(token, value))
		op.Write.Put.ReturnValuesOnConditionCheckFailure = old
	case update != nil && update.ConditionExpression != nil:
		op = op.with(setting(token, value))
		op.Write.Update.ReturnValuesOnConditionCheckFailure = old
	default:
		return op
	}
	op.token = value
	return op
}

// both adds to a condition that an attribute does not exist.
func both(condition *string, name string) *string {
	missing := "attribute_not_exists(" + name + ")"
	if condition != nil {
		missing = "(" + *condition + ") AND " + missing
	}
	return &missing
}

// clause adds a part to an update expression, which may have one clause of each kind. Placeholders
// are never in capitals, so a keyword is one.
func clause(expression, keyword, part string) string {
	if before, after, found := strings.Cut(expression, keyword+" "); found {
		return before + keyword + " " + part + ", " + after
	}
	return strings.TrimSpace(expression + " " + keyword + " " + part)
}

func merged[V any](all, more map[string]V) map[string]V {
	next := maps.Clone(all)
	if next == nil {
		next = map[string]V{}
	}
	maps.Copy(next, more)
	return next
}
