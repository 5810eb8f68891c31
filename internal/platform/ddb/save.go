package ddb

import (
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/fault"
)

// During a gradual release the old and the new version of the code write to the same items. So the
// writes below do not replace items: they set the attributes of the shape, remove its empty ones
// (omitempty), and leave all others alone. Only a new item is put as a whole.

// SaveNew writes a new item. If it exists, Commit fails with refused.
func (t *Table) SaveNew(pk, sk string, shape any, refused error) Op {
	if _, err := shapeOf(reflect.TypeOf(shape)); err != nil {
		return Op{err: err}
	}
	item, err := attributevalue.MarshalMap(shape)
	if err != nil {
		return Op{err: err}
	}
	item["pk"], item["sk"] = String(pk), String(sk)
	return t.putIf(item, refused, "attribute_not_exists(pk)", nil)
}

// SaveVersion writes an item whose stored version is before, or a new item if before is 0.
// Otherwise Commit fails with fault.ErrLostRace. An item without a version counts as new, and its
// attributes stay: it holds the barrier records of a saga that wrote nothing else here.
func (t *Table) SaveVersion(pk, sk string, shape any, before int64) Op {
	return t.saveVersion(pk, sk, shape, before, nil)
}

// saveVersion is SaveVersion with attributes that the shape does not have.
func (t *Table) saveVersion(pk, sk string, shape any, before int64, also Values) Op {
	if before == 0 {
		u := update{fresh: true, also: also, values: Values{}}
		return t.save(pk, sk, shape, &u, fault.ErrLostRace, "attribute_not_exists(version)")
	}
	u := update{exists: true, also: also, values: Values{":before": Number(before)}}
	return t.save(pk, sk, shape, &u, fault.ErrLostRace, "version = :before")
}

// Save writes an item, whether it exists or not.
func (t *Table) Save(pk, sk string, shape any) Op {
	return t.save(pk, sk, shape, &update{values: Values{}}, nil, "")
}

// Remove deletes an item, whether it exists or not.
func (t *Table) Remove(pk, sk string) Op {
	return Op{Write: types.TransactWriteItem{Delete: &types.Delete{TableName: &t.Name, Key: Key(pk, sk)}}}
}

// SaveIf writes an item if condition holds, else Commit fails with refused. Names of values must
// not be :v and a number.
func (t *Table) SaveIf(pk, sk string, shape any, refused error, condition string, values Values) Op {
	u := update{values: Values{}}
	maps.Copy(u.values, values) // the caller may reuse values
	return t.save(pk, sk, shape, &u, refused, condition)
}

func (t *Table) save(pk, sk string, shape any, u *update, refused error, condition string) Op {
	attributes, err := shapeOf(reflect.TypeOf(shape))
	if err != nil {
		return Op{err: err}
	}
	item, err := attributevalue.MarshalMap(shape)
	if err != nil {
		return Op{err: err}
	}
	u.names = map[string]string{}
	if err := u.add("", attributes, item); err != nil {
		return Op{err: err}
	}
	for name, value := range u.also {
		u.sets = append(u.sets, u.name(name)+" = "+u.value(value))
	}
	write := &types.Update{
		TableName: &t.Name, Key: Key(pk, sk), UpdateExpression: aws.String(u.expression()),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}
	if condition != "" {
		write.ConditionExpression = &condition
	}
	return Op{Refused: refused, Write: types.TransactWriteItem{Update: write}}
}

// update collects the parts of an update expression.
type update struct {
	// exists says that the item exists, including all maps that are written within.
	exists bool
	// fresh says that the item has no attribute of the shape.
	fresh bool
	// also are set besides the attributes of the shape.
	also        Values
	sets, drops []string
	names       map[string]string
	values      Values
}

// add sets or removes attributes of the map at path. The path of the item itself is "".
func (u *update) add(path string, attributes []attribute, item Values) error {
	for _, a := range attributes {
		value, has := item[a.name]
		if !has && (u.fresh || a.write == once) {
			continue // also without a name, since DynamoDB refuses unused ones
		}
		at := path + u.name(a.name)
		switch {
		case !has:
			u.drops = append(u.drops, at)
		case a.write == once && !u.fresh:
			u.sets = append(u.sets, at+" = if_not_exists("+at+", "+u.value(value)+")")
		case a.write == within && !u.fresh:
			inner, ok := value.(*types.AttributeValueMemberM)
			if !ok || !u.exists {
				return fault.New(fault.Internal, "BadShape", `%s: write:"within" needs an item with a version`, a.name)
			}
			if err := u.add(at+".", a.within, inner.Value); err != nil {
				return err
			}
		default:
			u.sets = append(u.sets, at+" = "+u.value(value))
		}
	}
	return nil
}

// name returns a placeholder for an attribute's name, which may be a reserved word.
func (u *update) name(name string) string {
	short := "#" + strconv.Itoa(len(u.names))
	u.names[short] = name
	return short
}

func (u *update) value(v types.AttributeValue) string {
	short := ":v" + strconv.Itoa(len(u.values))
	u.values[short] = v
	return short
}

func (u *update) expression() string {
	var clauses []string
	if len(u.sets) > 0 {
		clauses = append(clauses, "SET "+strings.Join(u.sets, ", "))
	}
	if len(u.drops) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(u.drops, ", "))
	}
	return strings.Join(clauses, " ")
}
