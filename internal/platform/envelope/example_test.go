package envelope_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
)

// A service publishes a fact; a consumer reads it.
func Example() {
	p := envelope.Publisher{Service: "tea", Clock: clock.At(time.Unix(1767323045, 0)), IDs: &ids.Sequence{}}
	e := p.New(context.Background(), "orderflow.tea.pot.brewed.v1", "pot-1", 1, brewed{Cups: 3})
	b, _ := json.MarshalIndent(e, "", "  ")
	fmt.Println(string(b))

	got, err := envelope.Parse(b)
	fmt.Println(got.Subject, err)
	data, err := envelope.Decode[brewed](got)
	fmt.Println(data.Cups, err)
	// Output:
	// {
	//   "specversion": "1.0",
	//   "id": "00000000000000000000000001",
	//   "source": "orderflow/tea",
	//   "type": "orderflow.tea.pot.brewed.v1",
	//   "subject": "pot-1",
	//   "time": "2026-01-02T03:04:05Z",
	//   "datacontenttype": "application/json",
	//   "data": {
	//     "cups": 3
	//   },
	//   "aggregateversion": 1
	// }
	// pot-1 <nil>
	// 3 <nil>
}
