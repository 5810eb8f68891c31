package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"orderflow/internal/gateway/strangler"
)

// Log is the log group of the gateway's functions.
type Log struct {
	Client *cloudwatchlogs.Client
	Group  string
}

// Finding is what the log has about a route, or about one field of its answers.
type Finding struct {
	Route strangler.Route `json:"route"`
	Field string          `json:"field,omitempty"`
	// Count is the number of answers, Products the old shop's ids of the products that differ in
	// them.
	Count    int       `json:"count"`
	Products []string  `json:"products,omitempty"`
	Last     time.Time `json:"last"`
}

// Fields returns the fields in which answers differed since a time.
func (l Log) Fields(ctx context.Context, since time.Time) ([]Finding, error) {
	return l.find(ctx, strangler.LogDiffers, since, true)
}

// Differences returns the routes whose answers differed since a time.
func (l Log) Differences(ctx context.Context, since time.Time) ([]Finding, error) {
	return l.find(ctx, strangler.LogDiffers, since, false)
}

// FallBacks returns the routes that fell back to the old shop since a time.
func (l Log) FallBacks(ctx context.Context, since time.Time) ([]Finding, error) {
	return l.find(ctx, strangler.LogFellBack, since, false)
}

// find counts the lines with a message by route, or by route and field.
func (l Log) find(ctx context.Context, message string, since time.Time, byField bool) ([]Finding, error) {
	pattern, from := `"`+message+`"`, since.UnixMilli()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(l.Client, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &l.Group, FilterPattern: &pattern, StartTime: &from,
	})
	found := map[string]Finding{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return nil, nil // no function of the gateway has run yet
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			var line struct {
				Time             time.Time
				Msg              string
				Route            strangler.Route
				Fields, Products []string
			}
			if e.Message == nil || json.Unmarshal([]byte(*e.Message), &line) != nil || line.Msg != message ||
				line.Time.Before(since) {
				continue
			}
			if !byField {
				line.Fields = []string{""}
			}
			for _, field := range line.Fields {
				f := found[string(line.Route)+" "+field]
				f.Route, f.Field, f.Count = line.Route, field, f.Count+1
				if line.Time.After(f.Last) {
					f.Last = line.Time
				}
				f.Products = union(f.Products, line.Products)
				found[string(line.Route)+" "+field] = f
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Field, b.Field))
	}), nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
