package stripetest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list shows intents newest first.
func (s *Server) list(form url.Values) (int, any, bool) {
	limit, err := strconv.Atoi(form.Get("limit"))
	if err != nil {
		limit = 10
	}
	since, _ := strconv.ParseInt(form.Get("created[gte]"), 10, 64)
	after := form.Get("starting_after")
	if after != "" && s.find(after) == nil {
		status, body := problem(http.StatusBadRequest, "invalid_request_error", "resource_missing", "No such payment_intent")
		return status, body, false
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
			data = append(data, s.shown(i, expands(form, "data.latest_charge")))
		}
	}
	return http.StatusOK, map[string]any{"object": "list", "data": data, "has_more": more}, true
}

// search knows one kind of query.
func (s *Server) search(form url.Values) (int, any, bool) {
	order, begins := strings.CutPrefix(form.Get("query"), "metadata['order_id']:'")
	order, ends := strings.CutSuffix(order, "'")
	if !begins || !ends {
		status, body := problem(http.StatusBadRequest, "invalid_request_error", "", "the query is not understood")
		return status, body, false
	}
	if strings.Contains(strings.NewReplacer(`\\`, ``, `\'`, ``).Replace(order), `'`) {
		status, body := problem(http.StatusBadRequest, "invalid_request_error", "", "a quote ends the value")
		return status, body, false
	}
	order = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(order)
	known := s.intents
	if !s.Searchable {
		known = s.intents[:s.indexed]
	}
	data := []any{}
	for _, i := range known {
		if i.metadata["order_id"] == order {
			data = append(data, s.shown(i, expands(form, "data.latest_charge")))
		}
	}
	return http.StatusOK, map[string]any{"object": "search_result", "data": data, "has_more": false}, true
}

func (s *Server) listDisputes(form url.Values) (int, any, bool) {
	data := []any{}
	for _, status := range slices.Backward(s.disputes[form.Get("payment_intent")]) {
		data = append(data, map[string]any{"id": "dp_1", "object": "dispute", "status": status, "payment_intent": form.Get("payment_intent")})
	}
	return http.StatusOK, map[string]any{"object": "list", "data": data, "has_more": false}, true
}
