// Package dynamo is reporting's store in DynamoDB. The keys of all items of a generation begin with
// its number, so that it can be read and removed by queries. The table holds:
//
//	pk                  sk                          what
//	generations         generations                 the current one, and the last rebuild
//	G<n>#progress       <topic>#<partition>         how far the generation has read a source
//	G<n>#orders#<0..7>  <orderId>                   the known facts about an order
//	G<n>#<report>       <day>#<of>                  a row: each amount is an attribute =<name>
//	G<n>#parked         t<time>#<source>#<offset>   a record that cannot be understood
package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/reporting"
)

// Store implements reporting.Store.
type Store struct{ *ddb.Table }

const generationsKey = "generations"

// Generations returns the generations.
func (s Store) Generations(ctx context.Context) (reporting.Generations, error) {
	item := generations{Serving: 1}
	_, err := s.Find(ctx, generationsKey, generationsKey, &item)
	return item.domain(), err
}

// SaveGenerations writes the generations.
func (s Store) SaveGenerations(ctx context.Context, g reporting.Generations) error {
	return s.Commit(ctx, commit.With{}, s.next(g))
}

func (s Store) next(g reporting.Generations) ddb.Op {
	op := s.SaveVersion(generationsKey, generationsKey, fromGenerations(g), g.Version-1)
	op.Refused = reporting.ErrOvertaken
	return op
}

// Switch writes the generations, and closes one.
func (s Store) Switch(
	ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress,
) error {
	ops := []ddb.Op{s.next(g)}
	for _, p := range seen {
		ops = append(ops, s.advance(closing, p.Source, p.Next, progress{NextOffset: p.Next, At: p.At, Closed: true}))
	}
	return s.Commit(ctx, commit.With{}, ops...)
}

// advance writes the progress of a generation that has read a source up to from and is not closed.
func (s Store) advance(generation int64, of reporting.Source, from int64, to progress) ddb.Op {
	pk, sk := progressKey(generation, of)
	if from == 0 {
		return s.SaveNew(pk, sk, to, reporting.ErrOvertaken)
	}
	const unchanged = "upTo = :from AND attribute_not_exists(closed)"
	return s.SaveIf(pk, sk, to, reporting.ErrOvertaken, unchanged, ddb.Values{":from": ddb.Number(from)})
}

// Progress returns how far a generation has read a source.
func (s Store) Progress(
	ctx context.Context, generation int64, of reporting.Source,
) (reporting.Progress, error) {
	var item progress
	pk, sk := progressKey(generation, of)
	_, err := s.Find(ctx, pk, sk, &item)
	return item.domain(of), err
}

// Sources returns how far a generation has read its sources.
func (s Store) Sources(ctx context.Context, generation int64) (all []reporting.Progress, err error) {
	in := s.partition(under(generation, "progress"))
	for {
		page, err := s.Client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, values := range page.Items {
			var item progress
			if err := attributevalue.UnmarshalMap(values, &item); err != nil {
				return nil, err
			}
			sk, _ := values["sk"].(*types.AttributeValueMemberS)
			all = append(all, item.domain(sourceOf(sk.Value)))
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			slices.SortFunc(all, func(a, b reporting.Progress) int { return a.Compare(b.Source) })
			return all, nil
		}
	}
}

// partition queries all items of a partition consistently.
func (s Store) partition(pk string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &s.Name, KeyConditionExpression: aws.String("pk = :pk"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: ddb.Values{":pk": ddb.String(pk)},
	}
}

// Facts returns the facts of orders.
func (s Store) Facts(
	ctx context.Context, generation int64, orderIDs []string,
) (map[string]reporting.Facts, error) {
	keys := make([]ddb.Values, len(orderIDs))
	for i, id := range orderIDs {
		keys[i] = ddb.Key(orderPartition(generation, id), id)
	}
	all, err := ddb.DecodeAll[facts](s.GetAll(ctx, keys))
	if err != nil {
		return nil, err
	}
	found := make(map[string]reporting.Facts, len(all))
	for _, item := range all {
		found[item.OrderID] = item.domain()
	}
	return found, nil
}

func orderPartition(generation int64, orderID string) string {
	return ddb.Shard(under(generation, "orders#"), orderID)
}

// Apply writes the effect of records.
func (s Store) Apply(ctx context.Context, w reporting.Write) error {
	ops := []ddb.Op{s.advance(w.Generation, w.Source, w.From, progress{NextOffset: w.To, At: w.At})}
	if w.From == 0 {
		ops = append(ops, s.newSource(w.Generation))
	}
	for _, f := range w.Facts {
		op := s.SaveVersion(orderPartition(w.Generation, f.OrderID), f.OrderID, fromFacts(f), f.Version-1)
		op.Refused = reporting.ErrOvertaken
		ops = append(ops, op)
	}
	for _, id := range slices.SortedFunc(maps.Keys(w.Rows), reporting.RowID.Compare) {
		ops = append(ops, s.addTo(w.Generation, id, w.Rows[id]))
	}
	for _, p := range w.Parked {
		pk, sk := parkedKey(w.Generation, p)
		ops = append(ops, s.Save(pk, sk, fromParked(p)))
	}
	switch err := s.Commit(ctx, commit.With{}, ops...); {
	case invalid(err):
		return reporting.ErrUnstorable.Because(err)
	case !errors.Is(err, reporting.ErrOvertaken):
		return err
	}
	p, failed := s.Progress(ctx, w.Generation, w.Source)
	if removed := p.Next == 0 && w.From > 0; failed == nil && (p.Closed || removed) {
		return reporting.ErrClosed
	}
	return reporting.ErrOvertaken
}

// invalid reports whether DynamoDB can never carry out a transaction: a key, an item or all of it
// is too large, or a sum has too many digits.
func invalid(err error) bool {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
			return aws.ToString(r.Code) == "ValidationError"
		})
	}
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// newSource raises the version of the generations, if the given one is current or the newest.
// Before the very first write, there is no item.
func (s Store) newSource(generation int64) ddb.Op {
	live := "serving = :g OR newest = :g"
	if generation == 1 {
		live += " OR attribute_not_exists(pk)"
	}
	return ddb.Op{Refused: reporting.ErrClosed, Write: types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: ddb.Key(generationsKey, generationsKey), ConditionExpression: &live,
		UpdateExpression:          aws.String("SET serving = if_not_exists(serving, :g) ADD version :one"),
		ExpressionAttributeValues: ddb.Values{":g": ddb.Number(generation), ":one": ddb.Number(1)},
	}}}
}

// addTo adds to the amounts of a row, whether it exists or not.
func (s Store) addTo(generation int64, id reporting.RowID, amounts reporting.Amounts) ddb.Op {
	names, values := map[string]string{}, ddb.Values{}
	var sums []string
	for name, n := range amounts {
		i := strconv.Itoa(len(sums))
		names["#"+i], values[":"+i] = amountPrefix+name, ddb.Number(n)
		sums = append(sums, "#"+i+" :"+i)
	}
	return ddb.Op{Write: types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: ddb.Key(rowKey(generation, id)),
		UpdateExpression:         aws.String("ADD " + strings.Join(sums, ", ")),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}}
}

// amountPrefix begins the names of the attributes that are amounts.
const amountPrefix = "="

// ReadRows returns rows. The read is eventually consistent.
func (s Store) ReadRows(
	ctx context.Context, generation int64, r reporting.Range, after reporting.RowID, most int,
) (found []reporting.Row, err error) {
	const afterSeparator = "$" // the character after the # that ends a day
	first, last := r.From+"#", r.To+afterSeparator
	if after != (reporting.RowID{}) {
		first = max(first, rowSort(after)+"\x01") // sorts before any other row after it
	}
	if first > last {
		return nil, nil
	}
	in := &dynamodb.QueryInput{
		TableName: &s.Name, KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: ddb.Values{
			":pk": ddb.String(under(generation, string(r.Report))), ":first": ddb.String(first),
			":last": ddb.String(last),
		},
		Limit: aws.Int32(int32(min(most, maxPage))), //nolint:gosec // at most maxPage
	}
	for {
		page, err := s.Client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			row, err := rowIn(r.Report, item)
			if err != nil {
				return nil, err
			}
			if len(row.Amounts) > 0 {
				found = append(found, row)
			}
			if len(found) == most {
				return found, nil
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return found, nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

const maxPage = 1000

func rowIn(report reporting.Report, item ddb.Values) (reporting.Row, error) {
	row := reporting.Row{Amounts: reporting.Amounts{}}
	for name, value := range item {
		amount, is := strings.CutPrefix(name, amountPrefix)
		if !is {
			continue
		}
		var n int64
		if err := attributevalue.Unmarshal(value, &n); err != nil {
			return row, err
		}
		if n != 0 {
			row.Amounts[amount] = n
		}
	}
	sk, _ := item["sk"].(*types.AttributeValueMemberS)
	row.RowID = rowOf(report, sk.Value)
	return row, nil
}

// ReadParked returns a page of the parked records of a generation. The read is eventually
// consistent.
func (s Store) ReadParked(
	ctx context.Context, generation int64, limit int, cursor string,
) (found []reporting.Parked, next string, err error) {
	values, next, err := s.Page(ctx, "", "pk", parkedPartition(generation), true, limit, cursor)
	page, err := ddb.DecodeAll[parked](values, err)
	if err != nil {
		return nil, "", err
	}
	for _, item := range page {
		found = append(found, item.domain())
	}
	return found, next, nil
}

// Remove deletes a page of each partition of a generation.
func (s Store) Remove(ctx context.Context, generation int64) (more bool, err error) {
	partitions := []string{under(generation, "progress"), parkedPartition(generation)}
	partitions = append(partitions, ddb.Shards(under(generation, "orders#"))...)
	for _, report := range []reporting.Report{
		reporting.Sales, reporting.Products, reporting.Funnel, reporting.Latency,
	} {
		partitions = append(partitions, under(generation, string(report)))
	}
	for _, pk := range partitions {
		const atOnce = 100 // DynamoDB's limit for a transaction
		in := s.partition(pk)
		in.Limit = aws.Int32(atOnce)
		page, err := s.Client.Query(ctx, in)
		if err != nil {
			return false, err
		}
		ops := make([]ddb.Op, len(page.Items))
		for i, item := range page.Items {
			key := ddb.Values{"pk": item["pk"], "sk": item["sk"]}
			ops[i] = ddb.Op{Write: types.TransactWriteItem{Delete: &types.Delete{TableName: &s.Name, Key: key}}}
		}
		if err := s.Commit(ctx, commit.With{}, ops...); err != nil {
			return false, err
		}
		more = more || len(page.LastEvaluatedKey) > 0
	}
	return more, nil
}
