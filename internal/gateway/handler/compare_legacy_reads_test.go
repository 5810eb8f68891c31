package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/money"
)

type fixedRoutes struct{}

func (fixedRoutes) Current(context.Context) strangler.Table {
	return strangler.Table{Products: map[string]string{"1001": "MUG-BLUE"}}
}

// exported is the price of the mug on the new side; 0 if it is down.
type exported int64

func (e exported) ProductsBySKU(context.Context, []string) ([]gateway.Product, error) {
	if e == 0 {
		return nil, errors.New("down")
	}
	price := money.Money{Currency: "EUR", Amount: int64(e)}
	return []gateway.Product{{SKU: "MUG-BLUE", Name: "Blue mug", Price: price}}, nil
}

// comparison runs the sample event, and more messages, against the new side. It returns how many
// messages failed, the metrics and the log.
func comparison(t *testing.T, e exported, bodies ...string) (failed int, recorded []string, log string) {
	t.Helper()
	var lines bytes.Buffer
	before := slog.Default()
	slog.SetDefault(function.Logger(&lines, "compare-legacy-reads"))
	t.Cleanup(func() { slog.SetDefault(before) })
	sample, err := os.ReadFile("../../../events/gateway/compare-legacy-reads.json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(sample, &in); err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		in.Records = append(in.Records, events.SQSMessage{MessageId: body, Body: body})
	}
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, recording := metricstest.On(t, clock.At(time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)))
	out, err := compareLegacyReads(strangler.NewComparison(fixedRoutes{}, e)).Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	var res events.SQSEventResponse
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return len(res.BatchItemFailures), recording.Take(), lines.String()
}

func TestADifferenceIsCountedAndLoggedWithoutValues(t *testing.T) {
	failed, recorded, log := comparison(t, 1999)
	want := []string{"LegacyComparisons 1 read-product", "LegacyDifferences 1 read-product"}
	if failed != 0 || !slices.Equal(counted(recorded), want) {
		t.Errorf("%d failed, recorded %q, want %q", failed, recorded, want)
	}
	if !strings.Contains(log, `"msg":"the two shops answer differently"`) ||
		!strings.Contains(log, `"route":"read-product","fields":["price"],"products":["1001"]`) ||
		strings.Contains(log, "19.9") || strings.Contains(log, "mug") {
		t.Error(log)
	}
}

// counted leaves out the age of messages.
func counted(recorded []string) []string {
	return slices.DeleteFunc(recorded, func(m string) bool { return strings.HasPrefix(m, "QueueAge") })
}

func TestEqualAnswersAreCountedAsCompared(t *testing.T) {
	failed, recorded, log := comparison(t, 1998)
	if want := []string{"LegacyComparisons 1 read-product"}; failed != 0 || !slices.Equal(counted(recorded), want) ||
		log != "" {
		t.Errorf("%d failed, recorded %q, log %s", failed, recorded, log)
	}
}

func TestMessagesThatCannotBeComparedFailAlone(t *testing.T) {
	failed, recorded, _ := comparison(t, 1998, "not JSON", `{"route":"read-order","answer":{}}`)
	if failed != 2 || len(counted(recorded)) != 1 {
		t.Errorf("%d failed, recorded %q", failed, recorded)
	}
}

func TestAComparisonIsRetriedWhileTheNewSideIsDown(t *testing.T) {
	failed, recorded, _ := comparison(t, 0)
	if failed != 1 || len(counted(recorded)) != 0 {
		t.Errorf("%d failed, recorded %q", failed, recorded)
	}
}
