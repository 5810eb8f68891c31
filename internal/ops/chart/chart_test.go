package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"orderflow/internal/ops/chart"
)

// texts draws points and returns the image's texts. The image must be XML.
func texts(t *testing.T, points []chart.Point) []string {
	t.Helper()
	var out bytes.Buffer
	if err := chart.Draw(&out, "Sales & more", "EUR", points); err != nil {
		t.Fatal(err)
	}
	var all []string
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			all = append(all, strings.TrimSpace(string(text)))
		}
	}
}

func TestChartsNameTheirSeries(t *testing.T) {
	for name, c := range map[string]struct {
		points []chart.Point
		want   []string
	}{
		"lines": {[]chart.Point{
			{Day: "2026-11-27", Series: "EUR", Value: 1}, {Day: "2026-11-28", Series: "EUR", Value: 3},
			{Day: "2026-11-28", Series: "USD", Value: 2},
		}, []string{"Sales & more", "EUR", "USD", "28 Nov"}},
		"bars":    {[]chart.Point{{Series: "MUG<1>", Value: 3}, {Series: "TEA", Value: 2}}, []string{"MUG<1>", "TEA"}},
		"nothing": {nil, []string{"Sales & more"}},
	} {
		got := strings.Join(texts(t, c.points), "\n") + "\n"
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
	}
}

func TestPointsNeedADayOfTheCalendar(t *testing.T) {
	if err := chart.Draw(io.Discard, "", "", []chart.Point{{Day: "today", Series: "EUR"}}); err == nil {
		t.Error("drawn")
	}
}
