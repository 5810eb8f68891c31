package handler

import (
	"context"
	"strings"
	"time"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/money"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/contract"
)

// GetSales builds the function get-sales.
func GetSales(env *function.Env) function.Handler { return getSales(reader(env)) }

// GetBestSellers builds the function get-best-sellers.
func GetBestSellers(env *function.Env) function.Handler { return getBestSellers(reader(env)) }

// GetFunnel builds the function get-funnel.
func GetFunnel(env *function.Env) function.Handler { return getFunnel(reader(env)) }

// GetLatency builds the function get-latency.
func GetLatency(env *function.Env) function.Handler { return getLatency(reader(env)) }

// ListParkedRecords builds the function list-parked-records.
func ListParkedRecords(env *function.Env) function.Handler { return listParkedRecords(reader(env)) }

func getSales(svc *reporting.Service) function.Handler {
	return report(svc, "getSales", reporting.Sales, "sales", func(r reporting.Row) (contract.Sales, error) {
		in := func(name string) money.Money { return money.Money{Currency: r.Of, Amount: r.Amounts[name]} }
		return contract.Sales{
			Day: r.Day, Orders: r.Amounts[reporting.Orders], Units: r.Amounts[reporting.Units],
			Revenue: in(reporting.Revenue), Refunds: in(reporting.Refunds),
		}, nil
	})
}

func getBestSellers(svc *reporting.Service) function.Handler {
	form := func(r reporting.Row) (contract.ProductSales, error) {
		currency, sku, _ := strings.Cut(r.Of, "#")
		return contract.ProductSales{
			Day: r.Day, SKU: sku, Units: r.Amounts[reporting.Units],
			Revenue: money.Money{Currency: currency, Amount: r.Amounts[reporting.Revenue]},
		}, nil
	}
	return report(svc, "getBestSellers", reporting.Products, "products", form)
}

func getFunnel(svc *reporting.Service) function.Handler {
	return report(svc, "getFunnel", reporting.Funnel, "funnel", func(r reporting.Row) (contract.Outcome, error) {
		of, reason, _ := strings.Cut(r.Of, "#")
		return contract.Outcome{Day: r.Day, Outcome: of, Reason: reason, Orders: r.Amounts[reporting.Orders]}, nil
	})
}

func getLatency(svc *reporting.Service) function.Handler {
	return report(svc, "getLatency", reporting.Latency, "latency", func(r reporting.Row) (contract.Latency, error) {
		l := contract.Latency{Day: r.Day}
		for q, ms := range map[float64]*int64{.5: &l.P50, .95: &l.P95, .99: &l.P99} {
			t, n, err := reporting.Quantile(r.Amounts, q)
			if err != nil {
				return l, err
			}
			*ms, l.Orders = t.Milliseconds(), n
		}
		return l, nil
	})
}

// report returns the function that reads a report. form is a row in the API's form, and name the
// list of rows.
func report[Form any](
	svc *reporting.Service, operation string, of reporting.Report, name string, form func(reporting.Row) (Form, error),
) function.Handler {
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		limit, cursor := r.Page()
		page, err := svc.ReadReport(ctx, reporting.Query{
			Report: of, From: r.Query.Get("from"), To: r.Query.Get("to"), Total: r.Query.Get("by") == "total",
			Limit: limit, Cursor: cursor,
		})
		if err != nil {
			return httpapi.Response{}, err
		}
		entries := make([]Form, len(page.Rows))
		for i, row := range page.Rows {
			if entries[i], err = form(row); err != nil {
				return httpapi.Response{}, err
			}
		}
		g := contract.Generation{Number: page.Generation}
		if !page.Since.IsZero() {
			g.CompleteSince = &page.Since
		}
		answer := map[string]any{"from": page.From, "to": page.To, "generation": g, name: entries, "cursor": nil}
		if page.Cursor != "" {
			answer["cursor"] = page.Cursor
		}
		for name, at := range map[string]time.Time{"asOf": page.AsOf, "newestEventAt": page.Newest} {
			if !at.IsZero() {
				answer[name] = at
			}
		}
		return httpapi.OK(answer), nil
	}
	return httpapi.WithPreflights(httpapi.Handle(operation, handle))
}

func listParkedRecords(svc *reporting.Service) function.Handler {
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		limit, cursor := r.Page()
		found, next, err := svc.ParkedRecords(ctx, limit, cursor)
		return httpapi.List("records", found, next, func(p reporting.Parked) contract.ParkedRecord {
			return contract.ParkedRecord{
				Topic: p.Topic, Partition: p.Partition, Offset: p.Offset, Reason: p.Reason, ParkedAt: p.At,
			}
		}), err
	}
	return httpapi.WithPreflights(httpapi.Handle("listParkedRecords", handle))
}
