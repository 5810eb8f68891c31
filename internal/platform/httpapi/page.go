package httpapi

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// pageLimit is how many entries a page has where the request does not say.
const pageLimit = 20

// Page returns the limit and cursor of a list request; the contract has seen to their form.
func (r *Request) Page() (limit int, cursor string) {
	limit, err := strconv.Atoi(r.Query.Get("limit"))
	if err != nil {
		limit = pageLimit
	}
	return limit, r.Query.Get("cursor")
}

// List answers 200 with a page of a list: found in the API's form, under a name, then the cursor of
// the next page, which is null on the last one.
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

// MarshalJSON puts the entries under the list's own name.
func (p page) MarshalJSON() ([]byte, error) {
	entries, err := json.Marshal(p.entries)
	if err != nil {
		return nil, err
	}
	cursor, err := json.Marshal(p.cursor)
	return fmt.Appendf(nil, `{%q:%s,"cursor":%s}`, p.name, entries, cursor), err
}
