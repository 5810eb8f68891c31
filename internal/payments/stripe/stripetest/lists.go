package stripetest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list returns intents, newest first.
func (s *Server) list(form url.Values) (int, any, bool) {
	limit, err := strconv.Atoi(form.Get("limit"))
	if err != nil {
		limit = 10
	}
	since, _ := strconv.ParseInt(form.Get("created[gte]"), 10, 64)
	after := form.Get("starting_after")
	if after != "" && s.find(after) == nil {
		return invalid("", "resource_missing", "No such payment_intent")
	}
	data, more := []any{}, false
	for _, i := range slices.Backward(s.intents) {
		switch {
		case after != "":
			if i.id == after {
				after = ""
			}
		case i.created < since:
		case len(data) == limit:
			more = true
		default:
			data = append(data, s.view(i, expands(form, "data.latest_charge")))
		}
	}
	return http.StatusOK, map[string]any{"object": "list", "data": data, "has_more": more}, true
}

// search supports one kind of query.
func (s *Server) search(form url.Values) (int, any, bool) {
	order, begins := strings.CutPrefix(form.Get("query"), "metadata['order_id']:'")
	order, ends := strings.CutSuffix(order, "'")
	if !begins || !ends {
		return invalid("", "", "unsupported query")
	}
	if strings.Contains(strings.NewReplacer(`\\`, ``, `\'`, ``).Replace(order), `'`) {
		return invalid("", "", "unescaped quote in the value")
	}
	order = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(order)
	known := s.intents
	if !s.Searchable {
		known = s.intents[:s.indexed]
	}
	data := []any{}
	for _, i := range known {
		if i.metadata["order_id"] == order {
			data = append(data, s.view(i, expands(form, "data.latest_charge")))
		}
	}
	return http.StatusOK, map[string]any{"object": "search_result", "data": data, "has_more": false}, true
}

func (s *Server) listDisputes(form url.Values) (int, any, bool) {
	data, id := []any{}, form.Get("payment_intent")
	for _, status := range slices.Backward(s.disputes[id]) {
		data = append(data, map[string]any{"id": "dp_1", "object": "dispute", "status": status, "payment_intent": id})
	}
	return http.StatusOK, map[string]any{"object": "list", "data": data, "has_more": false}, true
}
