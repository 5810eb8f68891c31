package handler

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/contract"
	"orderflow/internal/catalog/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi/httpapitest"
	"orderflow/internal/platform/ids"
)

func open() *catalog.Service {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return catalog.New(memory.New(c), c, &ids.Sequence{})
}

// invoke sends a sample of events/catalog, changed by edit, through a function.
func invoke(t *testing.T, compose func(*catalog.Service) function.Handler, svc *catalog.Service,
	sample string, edit func(*events.APIGatewayProxyRequest),
) events.APIGatewayProxyResponse {
	t.Helper()
	h := compose(svc)
	b, err := os.ReadFile("../../../events/catalog/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&in)
	}
	if b, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	var res events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return res
}

func wantOK(t *testing.T, res events.APIGatewayProxyResponse, body string) {
	t.Helper()
	if res.StatusCode != http.StatusOK || res.Body != body {
		t.Errorf("answer %d %s\nwant   200 %s", res.StatusCode, res.Body, body)
	}
}

func wantProblem(t *testing.T, res events.APIGatewayProxyResponse, status int, code string) {
	t.Helper()
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(res.Body), &p); err != nil || res.StatusCode != status || p.Code != code {
		t.Errorf("answer %d %s, want %d %s", res.StatusCode, res.Body, status, code)
	}
}

const mug = `{"sku":"MUG-BLUE","name":"Blue mug","price":{"currency":"EUR","amount":1999},"version":1}`

func TestProductIsPutTwiceAndRead(t *testing.T) {
	svc := open()
	wantOK(t, invoke(t, putProduct, svc, "put-product", nil), mug)
	wantOK(t, invoke(t, putProduct, svc, "put-product", nil), mug)
	wantOK(t, invoke(t, getProduct, svc, "get-product", nil), mug)
}

func TestPutProductIsForOperatorsOnly(t *testing.T) {
	svc := open()
	res := invoke(t, putProduct, svc, "put-product", func(in *events.APIGatewayProxyRequest) {
		delete(in.RequestContext.Authorizer["claims"].(map[string]any), "cognito:groups")
	})
	wantProblem(t, res, http.StatusForbidden, "Forbidden")
	wantProblem(t, invoke(t, getProduct, svc, "get-product", nil), http.StatusNotFound, "ProductNotFound")
}

func anonymous(in *events.APIGatewayProxyRequest) { in.RequestContext.Authorizer = nil }

func TestAnybodyReadsProductsAndMayKeepThem(t *testing.T) {
	svc := open()
	wantOK(t, invoke(t, putProduct, svc, "put-product", nil), mug)
	for sample, compose := range map[string]func(*catalog.Service) function.Handler{
		"get-product": getProduct, "list-products": listProducts,
	} {
		res := invoke(t, compose, svc, sample, anonymous)
		if kept := res.Headers["Cache-Control"]; res.StatusCode != http.StatusOK || kept != "public, max-age=30" {
			t.Errorf("%s: %d, %q", sample, res.StatusCode, kept)
		}
	}
	res := invoke(t, getProduct, open(), "get-product", anonymous)
	if wantProblem(t, res, http.StatusNotFound, "ProductNotFound"); res.Headers["Cache-Control"] != "no-store" {
		t.Errorf("a missing product is kept: %v", res.Headers)
	}
}

func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	httpapitest.Strangers(t, "../../../events/catalog/", Handlers(open(), nil))
}

func TestPutProductRefusesInvalidRequests(t *testing.T) {
	cases := map[string]struct {
		body   string
		status int
		code   string
	}{
		"unknown currency":  {`{"name":"Mug","price":{"currency":"XQQ","amount":1}}`, 422, "CurrencyMismatch"},
		"negative price":    {`{"name":"Mug","price":{"currency":"EUR","amount":-1}}`, 400, "InvalidRequest"},
		"fraction of cents": {`{"name":"Mug","price":{"currency":"EUR","amount":1.5}}`, 400, "InvalidRequest"},
		"blank name":        {`{"name":"  ","price":{"currency":"EUR","amount":1}}`, 400, "InvalidRequest"},
		"unknown field": {`{"name":"Mug","price":{"currency":"EUR","amount":1},"version":7}`, 400,
			"InvalidRequest"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			svc := open()
			edit := func(in *events.APIGatewayProxyRequest) { in.Body = c.body }
			res := invoke(t, putProduct, svc, "put-product", edit)
			wantProblem(t, res, c.status, c.code)
			wantProblem(t, invoke(t, getProduct, svc, "get-product", nil), http.StatusNotFound, "ProductNotFound")
		})
	}
}

func TestListProductsReturnsPages(t *testing.T) {
	svc := open()
	skus := []string{"A", "B", "C", "D", "E"}
	for _, sku := range skus {
		if _, err := svc.PutProduct(t.Context(), sku, thing); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	query := map[string][]string{"limit": {"2"}}
	for range skus {
		page := list(t, svc, query)
		for _, p := range page.Products {
			got = append(got, p.SKU)
		}
		if page.Cursor == nil {
			break
		}
		query["cursor"] = []string{*page.Cursor}
	}
	if !slices.Equal(got, skus) {
		t.Errorf("listed %q, want %q", got, skus)
	}
	if page := list(t, svc, nil); len(page.Products) != len(skus) || page.Cursor != nil {
		t.Errorf("without a limit: %+v, want all %d products", page, len(skus))
	}
}

func TestProductsAreListedByPrefix(t *testing.T) {
	svc := open()
	skus := []string{"A", "M", "MT-1", "MUG", "MUG-", "MUG-A", "MUG-z.9", "MUG.1", "MUGS", "MV", "mug-a"}
	for _, sku := range skus {
		_, err := svc.PutProduct(t.Context(), sku, thing)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"A", "M", "MUG", "MUG-", "MUG-z", "MU", "m", "Z", "0", "zz"} {
		others := func(s string) bool { return !strings.HasPrefix(s, prefix) }
		want := slices.DeleteFunc(slices.Clone(skus), others)
		for limit := 1; limit <= len(skus); limit++ {
			var got []string
			query := map[string][]string{"prefix": {prefix}, "limit": {strconv.Itoa(limit)}}
			pages := 0
			for more := true; more; pages++ {
				page := list(t, svc, query)
				for _, p := range page.Products {
					got = append(got, p.SKU)
				}
				if more = page.Cursor != nil; more {
					query["cursor"] = []string{*page.Cursor}
				}
			}
			if !slices.Equal(got, want) || pages > len(want)/limit+1 {
				t.Errorf("prefix %q, %d a page: %q in %d pages, want %q", prefix, limit, got, pages, want)
			}
		}
	}
	// A cursor of the whole list, and a start behind the prefix.
	whole := list(t, svc, map[string][]string{"limit": {"1"}})
	page := list(t, svc, map[string][]string{"prefix": {"MUG-"}, "cursor": {*whole.Cursor}})
	if len(page.Products) != 3 {
		t.Errorf("with another list's cursor: %v", page)
	}
	if page := list(t, svc, map[string][]string{"prefix": {"MUG-"}, "after": {"MUG-A"}}); len(page.Products) != 1 {
		t.Errorf("after MUG-A: %v", page)
	}
}

func TestEmptyCatalogIsAnEmptyList(t *testing.T) {
	wantOK(t, invoke(t, listProducts, open(), "list-products", nil), `{"products":[],"cursor":null}`)
}

// productPage is a page of the list of products.
type productPage struct {
	Products []contract.Product `json:"products"`
	Cursor   *string            `json:"cursor"`
}

func list(t *testing.T, svc *catalog.Service, query map[string][]string) productPage {
	t.Helper()
	res := invoke(t, listProducts, svc, "list-products", func(in *events.APIGatewayProxyRequest) {
		in.MultiValueQueryStringParameters = query
	})
	var page productPage
	if err := json.Unmarshal([]byte(res.Body), &page); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("answer %d %s", res.StatusCode, res.Body)
	}
	return page
}

func FuzzListProductsQuery(f *testing.F) {
	f.Add("20", "", "")
	f.Add("0", "x", "")
	f.Add("1", "cHJvZHVjdHMjTVVH", "") // products#MUG
	f.Add("99999999999999999999", "=", "mug")
	f.Add("1", "d29yZHMjbXVnI0E", "mug") // words#mug#A
	f.Add("1", "", "ß #\u0301")
	f.Fuzz(func(t *testing.T, limit, cursor, name string) {
		res := invoke(t, listProducts, open(), "list-products", func(in *events.APIGatewayProxyRequest) {
			in.MultiValueQueryStringParameters = map[string][]string{"limit": {limit}, "cursor": {cursor}}
			if name != "" {
				in.MultiValueQueryStringParameters["name"] = []string{name}
			}
		})
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusBadRequest {
			t.Errorf("limit %q, cursor %q, name %q: %d %s", limit, cursor, name, res.StatusCode, res.Body)
		}
	})
}
