package envelope_test

import (
	"encoding/json"
	"maps"
	"testing"

	"orderflow/internal/platform/envelope"
)

const structured = `{"specversion":"1.0","id":"e-1","source":"orderflow/tea","type":"orderflow.tea.pot.brewed.v1",` +
	`"subject":"pot-1","time":"2026-11-23T09:00:04.5Z","datacontenttype":"application/json",` +
	`"data":{"leaves":3},"aggregateversion":7,` +
	`"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",` +
	`"partitionkey":"k","count":12}`

func TestBinaryModeKeepsAllAttributes(t *testing.T) {
	e, err := envelope.Parse([]byte(structured))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"specversion": "1.0", "id": "e-1", "source": "orderflow/tea", "type": "orderflow.tea.pot.brewed.v1",
		"subject": "pot-1", "time": "2026-11-23T09:00:04.5Z", "aggregateversion": "7", "partitionkey": "k",
		"count": "12", "datacontenttype": "application/json",
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	if got := e.Binary(); !maps.Equal(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	back, err := envelope.FromBinary(e.Binary(), e.Data)
	if err != nil || !maps.Equal(back.Binary(), want) || string(back.Data) != `{"leaves":3}` ||
		!back.Time.Equal(e.Time) || back.AggregateVersion != 7 {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestIncompleteBinaryEventsAreMalformed(t *testing.T) {
	e, err := envelope.Parse([]byte(structured))
	if err != nil {
		t.Fatal(err)
	}
	for name, corrupt := range map[string]func(all map[string]string, data *[]byte){
		"no id":             func(all map[string]string, _ *[]byte) { delete(all, "id") },
		"other content":     func(all map[string]string, _ *[]byte) { all["datacontenttype"] = "text/plain" },
		"version in words":  func(all map[string]string, _ *[]byte) { all["aggregateversion"] = "seven" },
		"version as string": func(all map[string]string, _ *[]byte) { all["aggregateversion"] = `"7"` },
		"time in words":     func(all map[string]string, _ *[]byte) { all["time"] = "noon" },
		"foreign type":      func(all map[string]string, _ *[]byte) { all["type"] = "tea.brewed" },
		"no data":           func(_ map[string]string, data *[]byte) { *data = nil },
		"data not JSON":     func(_ map[string]string, data *[]byte) { *data = []byte(`{"leaves"`) },
		"data as attribute": func(all map[string]string, data *[]byte) { all["data"], *data = "{}", nil },
	} {
		all, data := e.Binary(), []byte(e.Data)
		corrupt(all, &data)
		if got, err := envelope.FromBinary(all, data); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzBinary(f *testing.F) {
	f.Add("orderflow.tea.pot.brewed.v1", "7", "pot-1", []byte(`{}`))
	f.Fuzz(func(t *testing.T, eventType, version, subject string, data []byte) {
		e, err := envelope.FromBinary(map[string]string{
			"specversion": "1.0", "id": "e-1", "source": "s", "time": "2026-11-23T09:00:04Z", "type": eventType,
			"aggregateversion": version, "subject": subject, "datacontenttype": "application/json",
		}, data)
		if err == nil && !json.Valid(e.Data) {
			t.Errorf("data %q", e.Data)
		}
	})
}
