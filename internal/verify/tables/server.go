// Package tables is DynamoDB in memory, with the parts that our stores and their tests use: the API
// over HTTP, conditions and updates, transactions, global secondary indexes, and the units that
// each call consumes. Emulators do not report units as AWS bills them, or are too slow for a
// hundred thousand orders.
//
// Units follow AWS's documentation: a write is a unit per KB of the larger of the item before and
// after, twice that in a transaction; a consistent read is a unit per 4 KB, an eventually
// consistent one half of that; a query reads the sum of its items; a failed condition costs what a
// write of the existing item does, and so does a condition check in a transaction. Writes to
// indexes are counted once, as they are made outside the transaction.
//
// Not modelled: throttling, transaction conflicts (calls run one at a time), expiry, and eventual
// consistency.
package tables

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Use is what one item or page of a call consumed.
type Use struct {
	Table, Index string
	Operation    string // such as GetItem, or TransactWriteItems.Put
	Key          Item   // of the item; of a query only the partition
	Bytes        int    // of the item after, or of the page
	Read, Write  float64
}

// Server is the API; see http.Handler.
type Server struct {
	mu     sync.Mutex
	tables map[string]*table

	// Used is called after each call that was not refused as invalid; nil for none.
	Used func(caller *http.Request, uses []Use)
	// Changed is called after each change of an item; nil for none. It is a table's stream.
	Changed func(table string, before, after Item)
}

// New returns a server with tables.
func New(schemas ...Schema) *Server {
	s := &Server{tables: map[string]*table{}}
	for _, schema := range schemas {
		s.tables[schema.Name] = newTable(schema)
	}
	return s
}

// Copy copies every item that contains the text of, in all tables and indexes, once for each
// replacement, which renames it. Replaced texts must keep their length.
func (s *Server) Copy(of string, names iter.Seq[*strings.Replacer]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		t.copy(of, names)
		for _, i := range t.indexes {
			i.copy(of, names)
		}
	}
}

func (t tree) copy(of string, names iter.Seq[*strings.Replacer]) {
	type placed struct {
		pk, sort, doc string
		size          int
	}
	var originals []placed
	for pk, partition := range t {
		for _, s := range partition {
			if strings.Contains(string(s.doc), of) {
				originals = append(originals, placed{pk, s.sort, string(s.doc), s.size})
			}
		}
	}
	for name := range names {
		for _, o := range originals {
			t.put(name.Replace(o.pk), stored{name.Replace(o.sort), []byte(name.Replace(o.doc)), o.size})
		}
	}
}

// apiError is an answer with an error.
type apiError struct {
	Type    string           `json:"__type"`
	Message string           `json:"message"`
	Item    Item             `json:"Item,omitempty"`
	Reasons []map[string]any `json:"CancellationReasons,omitempty"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

const failed = "ConditionalCheckFailed"

// call is one call in progress.
type call struct {
	*Server
	operation string
	uses      []Use
	changes   []func()
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := &call{Server: s, operation: operation}
	out, err := c.answer(body)
	status := http.StatusOK
	if err != nil {
		out, status = err, http.StatusBadRequest
	}
	if s.Used != nil && len(c.uses) > 0 {
		s.Used(r, c.uses)
	}
	for _, change := range c.changes {
		change()
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

func (c *call) answer(body []byte) (out any, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case invalid:
			err = &apiError{Type: "ValidationException", Message: string(p)}
		case *apiError:
			err = p
		default:
			panic(p)
		}
	}()
	var in request
	if err := json.Unmarshal(body, &in); err != nil {
		panic(invalid(err.Error()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.operation {
	case "CreateTable":
		return c.create(in), nil
	case "DeleteTable":
		c.table(in.TableName)
		delete(c.tables, in.TableName)
		return map[string]any{"TableDescription": map[string]string{"TableName": in.TableName}}, nil
	case "DescribeTable":
		c.table(in.TableName)
		return map[string]any{"Table": map[string]string{
			"TableName": in.TableName, "TableStatus": "ACTIVE", "LatestStreamArn": in.TableName,
		}}, nil
	case "UpdateTimeToLive": // nothing expires while tests run
		c.table(in.TableName)
		return struct{}{}, nil
	case "DescribeStream", "GetShardIterator", "GetRecords":
		return c.stream(in), nil
	case "GetItem":
		return map[string]any{"Item": c.read(in.get, in.ConsistentRead, 1)}, nil
	case "BatchGetItem":
		return c.batchGet(in), nil
	case "TransactGetItems":
		var all []map[string]any
		for _, i := range in.TransactItems {
			all = append(all, map[string]any{"Item": c.read(*i.Get, true, 2)})
		}
		return map[string]any{"Responses": all}, nil
	case "Query", "Scan":
		return c.query(in), nil
	case "PutItem", "UpdateItem", "DeleteItem":
		return c.writeOne(in), nil
	case "BatchWriteItem":
		return c.batchWrite(in), nil
	case "TransactWriteItems":
		return struct{}{}, c.transact(in)
	}
	panic(invalid("unknown operation " + c.operation))
}

func (c *call) table(name string) *table {
	t := c.tables[name]
	if t == nil {
		panic(&apiError{Type: "ResourceNotFoundException", Message: "no table " + name})
	}
	return t
}

// create makes a table from a request of CreateTable.
func (c *call) create(in request) any {
	if c.tables[in.TableName] != nil {
		panic(&apiError{Type: "ResourceInUseException", Message: "the table exists"})
	}
	schema := Schema{Name: in.TableName}
	schema.PK, schema.SK = keysOf(in.KeySchema)
	for _, i := range in.GlobalSecondaryIndexes {
		index := Schema{Name: i.IndexName, KeysOnly: i.Projection.ProjectionType == "KEYS_ONLY"}
		index.PK, index.SK = keysOf(i.KeySchema)
		schema.Indexes = append(schema.Indexes, index)
	}
	c.tables[schema.Name] = newTable(schema)
	c.tables[schema.Name].streamed = in.StreamSpecification.StreamEnabled
	return map[string]any{"TableDescription": map[string]string{"TableName": in.TableName, "TableStatus": "ACTIVE"}}
}

// KeySchema is an element of a table's or an index's key.
type KeySchema struct{ AttributeName, KeyType string }

func keysOf(elements []KeySchema) (pk, sk string) {
	for _, k := range elements {
		if k.KeyType == "HASH" {
			pk = k.AttributeName
		} else {
			sk = k.AttributeName
		}
	}
	return pk, sk
}

// get names an item.
type get struct {
	TableName string
	Key       Item
}

// write is a put, an update, a deletion or a condition check.
type write struct {
	get
	Item                                  Item
	UpdateExpression, ConditionExpression string
	ExpressionAttributeNames              map[string]string
	ExpressionAttributeValues             map[string]Value
	ReturnValues                          string
	OnFailure                             string `json:"ReturnValuesOnConditionCheckFailure"`
}

// request has the fields of all operations.
type request struct {
	write
	ConsistentRead                           bool
	RequestItems                             map[string]json.RawMessage
	TransactItems                            []transactItem
	IndexName                                string
	KeyConditionExpression, FilterExpression string
	ScanIndexForward                         *bool
	Limit                                    int
	ExclusiveStartKey                        Item
	KeySchema                                []KeySchema
	StreamSpecification                      struct{ StreamEnabled bool }
	StreamArn, ShardIterator, SequenceNumber string
	GlobalSecondaryIndexes                   []struct {
		IndexName  string
		KeySchema  []KeySchema
		Projection struct{ ProjectionType string }
	}
}

type transactItem struct {
	Get                                 *get
	Put, Update, Delete, ConditionCheck *write
}

func (c *call) use(u Use) { c.uses = append(c.uses, u) }

// read reads one item; units is the factor of a consistent read.
func (c *call) read(g get, consistent bool, factor float64) Item {
	t := c.table(g.TableName)
	item := t.get(g.Key)
	if !consistent {
		factor /= 2
	}
	c.use(Use{Table: t.Name, Operation: c.operation, Key: t.keys(g.Key, nil), Bytes: item.Size(),
		Read: factor * float64(readUnits(item.Size()))})
	return item
}

func (c *call) batchGet(in request) any {
	found := map[string][]Item{}
	for name, raw := range in.RequestItems {
		var of struct {
			Keys           []Item
			ConsistentRead bool
		}
		if err := json.Unmarshal(raw, &of); err != nil || len(of.Keys) > 100 {
			panic(invalid(fmt.Sprint("bad keys: ", err)))
		}
		found[name] = []Item{}
		for _, key := range of.Keys {
			if item := c.read(get{name, key}, of.ConsistentRead, 1); item != nil {
				found[name] = append(found[name], item)
			}
		}
	}
	return map[string]any{"Responses": found, "UnprocessedKeys": struct{}{}}
}

// page limits how much one query reads.
const page = 1 << 20

func (c *call) query(in request) any {
	t := c.table(in.TableName)
	over := t.tree
	var of *index
	if in.IndexName != "" {
		i := slices.IndexFunc(t.indexes, func(i *index) bool { return i.Name == in.IndexName })
		if i < 0 {
			panic(invalid("no index " + in.IndexName))
		}
		of, over = t.indexes[i], t.indexes[i].tree
	}
	var partition []stored
	var key Item
	condition := ""
	if c.operation == "Scan" {
		for _, p := range over {
			partition = append(partition, p...)
		}
	} else {
		x := parse(in.KeyConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues, nil)
		name := x.path()[0]
		x.need("=")
		pk, _ := x.operand()
		key, partition = Item{name: pk}, over[pk.text()]
		if x.is("AND") {
			condition = strings.Join(x.tokens, " ")
		}
	}
	descending := in.ScanIndexForward != nil && !*in.ScanIndexForward
	at, step := 0, 1
	if descending {
		at, step = len(partition)-1, -1
	}
	if start := in.ExclusiveStartKey; start != nil {
		sort := start[t.SK].text()
		if of != nil {
			_, sort, _ = t.place(of, start)
		}
		i, found := slices.BinarySearchFunc(partition, sort, func(s stored, sort string) int {
			return strings.Compare(s.sort, sort)
		})
		switch {
		case descending:
			at = i - 1
		case found:
			at = i + 1
		default:
			at = i
		}
	}
	items := []json.RawMessage{}
	read, evaluated := 0, 0
	var last Item
	for ; at >= 0 && at < len(partition); at += step {
		s := partition[at]
		var item Item
		if condition != "" || in.FilterExpression != "" {
			item = decode(s.doc)
		}
		if condition != "" && !holds(condition, in.ExpressionAttributeNames, in.ExpressionAttributeValues, item) {
			continue
		}
		evaluated, read = evaluated+1, read+s.size
		if holds(in.FilterExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues, item) {
			items = append(items, s.doc)
		}
		if evaluated == in.Limit || read >= page {
			last = t.keys(decode(s.doc), of)
			break
		}
	}
	factor := .5
	if in.ConsistentRead {
		factor = 1
	}
	c.use(Use{Table: t.Name, Index: in.IndexName, Operation: c.operation, Key: key, Bytes: read,
		Read: factor * float64(readUnits(read))})
	out := map[string]any{"Items": items, "Count": len(items), "ScannedCount": evaluated}
	if last != nil {
		out["LastEvaluatedKey"] = last
	}
	return out
}
