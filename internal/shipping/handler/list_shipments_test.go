package handler

import "testing"

func TestListShipmentsShowsTheCallersOwn(t *testing.T) {
	d := open()
	d.arrange(t)
	for name, c := range map[string]struct {
		claims map[string]any
		found  int
	}{
		"own":       {map[string]any{}, 1},
		"another's": {map[string]any{"sub": "mallory"}, 0},
		"operator":  {map[string]any{"sub": "op", "cognito:groups": "operator"}, 1},
	} {
		in := request(t, "list-shipments")
		for claim, v := range c.claims {
			in.RequestContext.Authorizer["claims"].(map[string]any)[claim] = v
		}
		status, body := send(t, listShipments(d.Service), in)
		found, ok := body["shipments"].([]any)
		if status != 200 || !ok || len(found) != c.found {
			t.Errorf("%s: %d %v, want %d shipments", name, status, body, c.found)
		}
	}
}
