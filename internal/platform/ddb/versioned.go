package ddb

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// Versioned describes a kind of item: aggregates V, each stored as one item of shape I.
type Versioned[V commit.Aggregate, I any] struct {
	// Key returns the key of an aggregate's item.
	Key func(id string) (pk, sk string)
	// Missing is the error of Get if the item does not exist, or has no version: then it is not an
	// aggregate, but the host of barrier records. If it is nil, Get returns the zero V.
	Missing error
	Encode  func(V) I
	Decode  func(item I, id string) V
	// Retention is how long an item is kept after its last write; 0 means for ever. The attribute
	// expiresAt holds the end, in Unix seconds.
	Retention time.Duration
}

// Under keys items by prefix and id.
func Under(prefix, sk string) func(id string) (string, string) {
	return func(id string) (string, string) { return prefix + id, sk }
}

// Get reads an aggregate consistently. Inside a run of package barrier it may be the item in which
// the run has just looked for its record.
func (k Versioned[V, I]) Get(ctx context.Context, t *Table, id string) (v V, err error) {
	var item I
	pk, sk := k.Key(id)
	if kept, ok := barrier.Recall(ctx, memoryOf(Key(pk, sk))); ok {
		err = attributevalue.UnmarshalMap(kept.(Values), &item)
	} else {
		_, err = t.Find(ctx, pk, sk, &item)
	}
	if err != nil {
		return v, err
	}
	if stored := k.Decode(item, id); exists(stored) {
		return stored, nil
	}
	return v, k.Missing
}

// GetMany reads the aggregates of up to 100 distinct ids consistently, in one batch. The result is
// in the order of ids; those without an item are left out.
func (k Versioned[V, I]) GetMany(ctx context.Context, t *Table, ids []string) ([]V, error) {
	return k.getMany(ctx, ids, t.GetAll)
}

// GetManyEventually is GetMany with eventually consistent reads, which cost half as much.
func (k Versioned[V, I]) GetManyEventually(ctx context.Context, t *Table, ids []string) ([]V, error) {
	return k.getMany(ctx, ids, t.GetAllEventually)
}

func (k Versioned[V, I]) getMany(
	ctx context.Context, ids []string, read func(context.Context, []Values) ([]Values, error),
) ([]V, error) {
	keys := make([]Values, len(ids))
	for i, id := range ids {
		keys[i] = Key(k.Key(id))
	}
	items, err := read(ctx, keys)
	if err != nil {
		return nil, err
	}
	byKey := make(map[[2]string]I, len(items))
	for _, values := range items {
		var item I
		if err := attributevalue.UnmarshalMap(values, &item); err != nil {
			return nil, err
		}
		byKey[keyOf(values)] = item
	}
	var found []V
	for _, id := range ids {
		if item, ok := byKey[keyOf(Key(k.Key(id)))]; ok {
			if v := k.Decode(item, id); exists(v) {
				found = append(found, v)
			}
		}
	}
	return found, nil
}

// exists reports whether v was read from an aggregate's item.
func exists[V commit.Aggregate](v V) bool {
	_, version := v.Identity()
	return version > 0
}

// keyOf returns an item's key, for comparisons.
func keyOf(item Values) [2]string {
	pk, _ := item["pk"].(*types.AttributeValueMemberS)
	sk, _ := item["sk"].(*types.AttributeValueMemberS)
	return [2]string{pk.Value, sk.Value}
}

// Save writes v, which must be one version after the stored one, else it returns fault.ErrLostRace.
func (k Versioned[V, I]) Save(ctx context.Context, t *Table, v V, with commit.With) error {
	return t.Commit(ctx, with, k.Next(t, v))
}

// SaveOver is Save for versions that another service counts and that may have gaps. The stored
// version must be before, 0 for a new item.
func (k Versioned[V, I]) SaveOver(ctx context.Context, t *Table, v V, before int64, with commit.With) error {
	return t.Commit(ctx, with, k.over(t, v, before))
}

// Next returns the write of Save.
func (k Versioned[V, I]) Next(t *Table, v V) Op {
	_, version := v.Identity()
	return k.over(t, v, version-1)
}

func (k Versioned[V, I]) over(t *Table, v V, before int64) Op {
	id, _ := v.Identity()
	pk, sk := k.Key(id)
	var also Values
	if k.Retention > 0 {
		also = Values{"expiresAt": Number(t.Clock.Now().Add(k.Retention).Unix())}
	}
	return t.saveVersion(pk, sk, k.Encode(v), before, also)
}
