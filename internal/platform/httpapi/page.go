package httpapi

import "strconv"

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
