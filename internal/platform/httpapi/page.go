package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pageLimit is the default number of entries of a page.
const pageLimit = 20

// Page returns the limit and cursor of a list request, which have been validated.
func (r *Request) Page() (limit int, cursor string) {
	limit, err := strconv.Atoi(r.Query.Get("limit"))
	if err != nil {
		limit = pageLimit
	}
	return limit, r.Query.Get("cursor")
}

// Values returns the distinct values of a query parameter that is a list, in their order.
func (r *Request) Values(name string) []string {
	var distinct []string
	for v := range strings.SplitSeq(r.Query.Get(name), ",") {
		if v != "" && !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	return distinct
}

// List answers 200 with a page of a list: the entries in the API's form under name, and the cursor
// of the next page, which is null on the last page.
func List[T, Form any](name string, found []T, next string, form func(T) Form) Response {
	entries := make([]Form, len(found))
	for i, v := range found {
		entries[i] = form(v)
	}
	p := page{name: name, entries: entries}
	if next != "" {
		p.cursor = &next
	}
	return OK(p)
}

type page struct {
	name    string
	entries any
	cursor  *string
}

// MarshalJSON writes the entries under the list's name.
func (p page) MarshalJSON() ([]byte, error) {
	entries, err := json.Marshal(p.entries)
	if err != nil {
		return nil, err
	}
	cursor, err := json.Marshal(p.cursor)
	return fmt.Appendf(nil, `{%q:%s,"cursor":%s}`, p.name, entries, cursor), err
}
