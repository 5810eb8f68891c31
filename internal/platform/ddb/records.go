package ddb

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// barrierRetention exceeds the time after which a duplicate may arrive: queues and dead-letter
// queues keep messages for 14 days each, Step Functions keeps executions for 90.
const barrierRetention = 90 * 24 * time.Hour

type barrierItem struct {
	Origin    string `dynamodbav:"origin"`
	Result    string `dynamodbav:"result"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`
}

// Barriers reads barrier records, from the saga's host and from items of their own, in one batch;
// see barrier.Log.
func (t *Table) Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	own := map[[2]string]barrier.Key{}
	var items []Values
	for _, key := range keys {
		item := Key(barrierKey(key))
		own[keyOf(item)], items = key, append(items, item)
	}
	host, hosted := t.host(keys[0].Saga)
	if hosted {
		items = append(items, host)
	}
	read, err := t.GetAll(ctx, items)
	if err != nil {
		return nil, err
	}
	found := map[barrier.Key]barrier.Record{}
	var of Values // the host, if it exists
	for _, item := range read {
		key, is := own[keyOf(item)]
		if !is {
			of = item
			continue
		}
		var record barrierItem
		if err := attributevalue.UnmarshalMap(item, &record); err != nil {
			return nil, err
		}
		result := json.RawMessage(record.Result)
		found[key] = barrier.Record{Key: key, Origin: barrier.Phase(record.Origin), Result: result}
	}
	if !hosted {
		return found, nil
	}
	barrier.Remember(ctx, memoryOf(host), of)
	for _, key := range keys {
		if value, ok := of[recordName(key)].(*types.AttributeValueMemberS); ok {
			origin, result, _ := strings.Cut(value.Value, " ")
			found[key] = barrier.Record{Key: key, Origin: barrier.Phase(origin), Result: json.RawMessage(result)}
		}
	}
	return found, nil
}

// memoryOf is the key under which a run remembers an item.
func memoryOf(key Values) string {
	k := keyOf(key)
	return k[0] + " " + k[1]
}

// recordName is the attribute of a record in its saga's host: the phase that wrote it, and the
// result.
func recordName(k barrier.Key) string { return "step#" + k.Step + "#" + string(k.Phase) }

func (t *Table) putBarrier(rec barrier.Record) Op {
	pk, sk := barrierKey(rec.Key)
	item := Key(pk, sk)
	item["origin"], item["result"] = String(string(rec.Origin)), String(string(rec.Result))
	item["expiresAt"] = t.expiry(barrierRetention)
	return t.putIf(item, fault.ErrLostRace, "attribute_not_exists(pk)", nil)
}

func barrierKey(k barrier.Key) (pk, sk string) {
	return "barrier#" + k.Saga, k.Step + "#" + string(k.Phase)
}

type replyItem struct {
	// Hash is the request's Formerly if it has one, because the previous version of the code
	// compares it. Content is the request's Hash.
	Hash      string `dynamodbav:"hash"`
	Content   string `dynamodbav:"contentHash"`
	Result    string `dynamodbav:"result"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`
}

// Reply reads an idempotency record; see idempotency.Log. It checks the expiry, because DynamoDB
// deletes expired items late.
func (t *Table) Reply(ctx context.Context, scope, key string) (idempotency.Record, bool, error) {
	var item replyItem
	_, err := t.Find(ctx, "reply#"+scope, key, &item)
	rec, ok := t.reply(scope, key, item)
	return rec, ok, err
}

// ReplyAnd reads, in one batch, what Reply does, and the items with these keys. With an empty key
// it reads the items only.
func (t *Table) ReplyAnd(ctx context.Context, scope, key string, keys []Values) (
	rec idempotency.Record, ok bool, others []Values, err error,
) {
	if key == "" {
		others, err = t.GetAll(ctx, keys)
		return rec, false, others, err
	}
	own := Key("reply#"+scope, key)
	all, err := t.GetAll(ctx, append(keys, own))
	var item replyItem
	for _, values := range all {
		if keyOf(values) != keyOf(own) {
			others = append(others, values)
		} else if err = attributevalue.UnmarshalMap(values, &item); err != nil {
			return rec, false, nil, err
		}
	}
	rec, ok = t.reply(scope, key, item)
	return rec, ok, others, err
}

// reply returns the record of an item; ok is false if there is none or it has expired.
func (t *Table) reply(scope, key string, item replyItem) (rec idempotency.Record, ok bool) {
	return idempotency.Record{
		Scope: scope, Key: key, Hash: cmp.Or(item.Content, item.Hash), Formerly: item.Hash,
		Result: json.RawMessage(item.Result),
	}, item.ExpiresAt > t.Clock.Now().Unix()
}

// putReply replaces an expired record as a whole: attributes of a newer version belong to the
// expired request.
func (t *Table) putReply(rec idempotency.Record) Op {
	item := Key("reply#"+rec.Scope, rec.Key)
	item["hash"], item["contentHash"] = String(cmp.Or(rec.Formerly, rec.Hash)), String(rec.Hash)
	item["result"] = String(string(rec.Result))
	item["expiresAt"] = t.expiry(idempotency.Retention)
	return t.putIf(item, fault.ErrLostRace, "attribute_not_exists(pk) OR expiresAt <= :now",
		Values{":now": Number(t.Clock.Now().Unix())})
}

func (t *Table) putEvent(e envelope.Event, body []byte) Op {
	put := &types.Put{TableName: &t.Name, Item: eventItem(outboxPrefix, e.ID, e.Subject, body)} // its id is unique
	return Op{Write: types.TransactWriteItem{Put: put}}
}

func (t *Table) expiry(after time.Duration) types.AttributeValue {
	return Number(t.Clock.Now().Add(after).Unix())
}
