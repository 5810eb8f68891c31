package ddbtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/ddb"
)

// grown is an attribute that no version of the code knows.
const grown = "attributeOfANewerVersion"

// Newer is a newer version of the code that writes to the same table; see storesuite.Newer.
type Newer struct {
	table *ddb.Table
	added map[string][]string // by item, the places where an attribute was added
}

// NewNewer returns a newer version that writes to table.
func NewNewer(table *ddb.Table) *Newer { return &Newer{table: table, added: map[string][]string{}} }

// Grow adds an attribute to every item, and to every map nested in one.
func (n *Newer) Grow(ctx context.Context) (count int, err error) {
	err = n.each(ctx, func(name string, item ddb.Values) error {
		var places []string
		walk(name, item, func(place string, inside ddb.Values) {
			inside[grown] = ddb.String(place)
			places = append(places, place)
		})
		n.added[name] = places
		count += len(places)
		_, err := n.table.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &n.table.Name, Item: item})
		return err
	})
	return count, err
}

// Lost names the added attributes that are missing or changed.
func (n *Newer) Lost(ctx context.Context) ([]string, error) {
	left := map[string]bool{}
	err := n.each(ctx, func(name string, item ddb.Values) error {
		walk(name, item, func(place string, inside ddb.Values) {
			value, _ := inside[grown].(*types.AttributeValueMemberS)
			left[place] = value != nil && value.Value == place
		})
		return nil
	})
	var lost []string
	for _, name := range slices.Sorted(maps.Keys(n.added)) {
		gone := slices.DeleteFunc(slices.Clone(n.added[name]), func(place string) bool { return left[place] })
		lost = append(lost, gone...)
	}
	return lost, err
}

// each visits all items of the table.
func (n *Newer) each(ctx context.Context, visit func(name string, item ddb.Values) error) error {
	scan := &dynamodb.ScanInput{TableName: &n.table.Name, ConsistentRead: aws.Bool(true)}
	pages := dynamodb.NewScanPaginator(n.table.Client, scan)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			pk, _ := item["pk"].(*types.AttributeValueMemberS)
			sk, _ := item["sk"].(*types.AttributeValueMemberS)
			if pk == nil || sk == nil {
				return fmt.Errorf("item without a key: %v", item)
			}
			if err := visit(pk.Value+" "+sk.Value, item); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk visits a map and all maps nested in it.
func walk(place string, inside ddb.Values, visit func(place string, inside ddb.Values)) {
	for name, value := range inside {
		walkValue(place+"."+name, value, visit)
	}
	visit(place, inside)
}

func walkValue(place string, value types.AttributeValue, visit func(place string, inside ddb.Values)) {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		walk(place, v.Value, visit)
	case *types.AttributeValueMemberL:
		for i, element := range v.Value {
			walkValue(place+"["+strconv.Itoa(i)+"]", element, visit)
		}
	}
}
