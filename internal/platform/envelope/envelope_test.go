package envelope_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/tracing"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

var publisher = envelope.Publisher{
	Service: "tea", IDs: &ids.Sequence{},
	Clock: clock.At(time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)),
}

type brewed struct {
	Cups int `json:"cups"`
}

func TestParseReturnsThePublishedEvent(t *testing.T) {
	sent := publisher.New(tracing.With(t.Context(), trace), "orderflow.tea.pot.brewed.v1", "pot-1", 7, brewed{3})
	b, err := json.Marshal(sent)
	must(t, err)
	got, err := envelope.Parse(b)
	if err != nil || !reflect.DeepEqual(got, sent) {
		t.Errorf("Parse = %+v, %v; want %+v", got, err, sent)
	}
	if data, err := envelope.Decode[brewed](got); err != nil || data.Cups != 3 {
		t.Errorf("Decode = %+v, %v; want 3 cups", data, err)
	}
}

func TestUnknownAttributesArePassedOn(t *testing.T) {
	sent := publisher.New(t.Context(), "orderflow.tea.pot.brewed.v1", "pot-1", 7, brewed{3})
	b, err := json.Marshal(sent)
	must(t, err)
	var fields map[string]any
	must(t, json.Unmarshal(b, &fields))
	fields["partitionkey"], fields["data"] = "p<1>", map[string]any{"cups": 3.0, "kind": "green"}
	b, err = json.Marshal(fields)
	must(t, err)
	got, err := envelope.Parse(b)
	must(t, err)
	b, err = json.Marshal(got)
	must(t, err)
	var passed map[string]any
	must(t, json.Unmarshal(b, &passed))
	if !reflect.DeepEqual(passed, fields) {
		t.Errorf("passed on %v, want %v", passed, fields)
	}
}

func TestNewSetsWhatConsumersRelyOn(t *testing.T) {
	e := publisher.New(tracing.With(t.Context(), trace), "orderflow.tea.pot.brewed.v1", "pot-1", 7, brewed{3})
	if e.Source != "orderflow/tea" || e.SpecVersion != "1.0" || e.DataContentType != "application/json" ||
		e.AggregateVersion != 7 || e.TraceParent != trace || !ids.Valid(e.ID) || !e.Time.Equal(publisher.Clock.Now()) {
		t.Errorf("event = %+v", e)
	}
	other := publisher.New(t.Context(), "orderflow.tea.pot.brewed.v1", "pot-1", 8, brewed{3})
	if other.ID == e.ID || other.TraceParent != "" {
		t.Errorf("second event = %+v; want another id and no trace", other)
	}
}

func TestUnencodableDataIsADefect(t *testing.T) {
	e := publisher.New(t.Context(), "orderflow.tea.pot.brewed.v1", "pot-1", 1, math.NaN())
	if _, err := json.Marshal(e); fault.KindOf(err) != fault.Internal {
		t.Errorf("error = %v, want an internal error", err)
	}
}

func TestEveryAttributeIsRequired(t *testing.T) {
	whole := map[string]any{
		"specversion": "1.0", "id": "1", "source": "orderflow/tea", "type": "orderflow.tea.pot.brewed.v1",
		"subject": "pot-1", "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json", "data": brewed{1},
	}
	parse := func(attributes map[string]any) error {
		b, err := json.Marshal(attributes)
		must(t, err)
		_, err = envelope.Parse(b)
		return err
	}
	must(t, parse(whole))
	for name, bad := range map[string][]any{
		"specversion": {nil, "0.3"}, "id": {nil, ""}, "source": {nil, ""}, "type": {nil, "", "com.example.brewed"},
		"subject": {nil, ""}, "datacontenttype": {nil, "text/plain"}, "data": {nil}, "time": {"yesterday"},
	} {
		for _, value := range bad {
			attributes := maps.Clone(whole)
			if attributes[name] = value; value == nil {
				delete(attributes, name)
			}
			if err := parse(attributes); !errors.Is(err, envelope.ErrMalformed) {
				t.Errorf("%s = %v: %v, want ErrMalformed", name, value, err)
			}
		}
	}
}

func TestDataOfAnotherShapeIsMalformed(t *testing.T) {
	_, err := envelope.Decode[brewed](envelope.Event{Type: "t", Data: json.RawMessage(`{"cups":"many"}`)})
	if !errors.Is(err, envelope.ErrMalformed) {
		t.Errorf("error = %v, want ErrMalformed", err)
	}
}

// FuzzParse: no input panics, and an accepted event is passed on unchanged.
func FuzzParse(f *testing.F) {
	e := publisher.New(tracing.With(f.Context(), trace), "orderflow.tea.pot.brewed.v1", "pot <1>", 1, brewed{1})
	whole, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	const head = `"source":"s","subject":"s","datacontenttype":"application/json",`
	for _, seed := range []string{
		string(whole), string(whole[:len(whole)-1]), "", "null", "[]", "{}", `{"specversion":1}`,
		`{` + head + `"specversion":"1.0","id":"1","type":"orderflow.","data":null}`,
		`{` + head + `"specversion":"1.0","id":"1","type":"orderflow.x","data":[1e400," "]}`,
		`{` + head + `"SpecVersion":"1.0","ID":"1","type":"orderflow.\ud800","data":"<",` +
			`"time":"9999-12-31T23:59:59+23:59"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := envelope.Parse(b)
		if err != nil {
			if !errors.Is(err, envelope.ErrMalformed) {
				t.Fatalf("error %v, want ErrMalformed", err)
			}
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("accepted event cannot be encoded: %v", err)
		}
		second, err := envelope.Parse(again)
		if err != nil {
			t.Fatalf("encoded event is refused: %v", err)
		}
		if !second.Time.Equal(first.Time) {
			t.Errorf("time %v became %v", first.Time, second.Time)
		}
		first.Time, second.Time, first.Data, second.Data = time.Time{}, time.Time{}, nil, nil
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%+v became %+v", first, second)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
