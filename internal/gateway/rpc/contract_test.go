package rpc_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"orderflow/api"
	v1 "orderflow/api/rpc/orderflow/v1"
)

// restOf names the schema of the REST contract for messages whose name differs. Those with "" are
// lines, which have no name there and are compared with their order, or only hold other messages.
var restOf = map[string]string{
	"PlaceOrderRequest": "OrderRequest", "CancelOrderRequest": "CancelRequest", "PutProductRequest": "ProductRequest",
	"AdjustStockRequest": "StockAdjustment", "ListOrdersResponse": "OrderPage", "ListProductsResponse": "ProductPage",
	"OrderRequestLine": "", "ReservedLine": "", "PartError": "",
	"PlaceOrderResponse": "", "GetOrderRequest": "", "GetOrderResponse": "", "ListOrdersRequest": "",
	"CancelOrderResponse": "", "GetOrderSummaryRequest": "", "GetOrderSummaryResponse": "", "WatchOrderRequest": "",
	"WatchOrderResponse": "",
	"GetProductRequest":  "", "GetProductResponse": "", "ListProductsRequest": "", "PutProductResponse": "",
	"GetStockRequest": "", "GetStockResponse": "", "AdjustStockResponse": "",
}

// inPath are the fields that REST has in the address.
var inPath = []string{"CancelOrderRequest.orderId", "PutProductRequest.sku", "AdjustStockRequest.sku"}

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

var files = []protoreflect.FileDescriptor{
	v1.File_orderflow_v1_types_proto, v1.File_orderflow_v1_orders_proto,
	v1.File_orderflow_v1_products_proto, v1.File_orderflow_v1_stock_proto,
}

func TestEveryMessageIsOneOfTheContract(t *testing.T) {
	doc, compared := contract(t), 0
	for _, file := range files {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			rest, differs := restOf[string(m.Name())]
			if !differs {
				rest = string(m.Name())
			}
			if rest == "" {
				continue
			}
			ref := doc.Components.Schemas[rest]
			if ref == nil {
				t.Errorf("%s is not in the contract", m.Name())
				continue
			}
			compared++
			compare(t, m, ref.Value)
		}
	}
	if compared != 20 {
		t.Errorf("%d messages were compared", compared)
	}
}

func compare(t *testing.T, m protoreflect.MessageDescriptor, rest *openapi3.Schema) {
	t.Helper()
	missing := maps.Clone(rest.Properties)
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		name := string(m.Name()) + "." + f.JSONName()
		if slices.Contains(inPath, name) {
			continue
		}
		p := rest.Properties[f.JSONName()]
		delete(missing, f.JSONName())
		if p == nil {
			t.Errorf("%s is not in the contract", name)
			continue
		}
		v := p.Value
		if len(v.AllOf) == 1 {
			v = v.AllOf[0].Value
		}
		optional := !slices.Contains(rest.Required, f.JSONName()) || v.Nullable
		if isMessage := f.Message() != nil; !isMessage && !f.IsList() && f.HasPresence() != optional {
			t.Errorf("%s: optional %t, in the contract %t", name, f.HasPresence(), optional)
		}
		if v.Type.Is("array") {
			if !f.IsList() {
				t.Errorf("%s is not a list", name)
			}
			v = v.Items.Value
		} else if f.IsList() {
			t.Errorf("%s is a list", name)
		}
		if got := kind(f); !slices.Contains(kinds(v), got) {
			t.Errorf("%s is %s, want one of %q", name, got, kinds(v))
		}
		if f.Enum() != nil && !slices.Equal(names(f.Enum()), enum(v)) {
			t.Errorf("%s has %q, want %q", name, names(f.Enum()), enum(v))
		}
		if v.Type.Is("object") && f.Message() != nil {
			compare(t, f.Message(), v)
		}
	}
	for field := range missing {
		t.Errorf("%s lacks %s", m.Name(), field)
	}
}

func kind(f protoreflect.FieldDescriptor) string {
	if m := f.Message(); m != nil && m.FullName() == "google.protobuf.Timestamp" {
		return "timestamp"
	}
	return f.Kind().String()
}

// kinds returns the kinds that a field may have for a schema.
func kinds(v *openapi3.Schema) []string {
	switch {
	case v.Type.Is("integer") && v.Max != nil && *v.Max < 1<<31 && v.Format == "int64":
		return []string{"int32", "int64"}
	case v.Type.Is("integer") && v.Format == "int64":
		return []string{"int64"}
	case v.Type.Is("integer"):
		return []string{"int32"}
	case v.Type.Is("boolean"):
		return []string{"bool"}
	case v.Type.Is("object"):
		return []string{"message"}
	case v.Format == "date-time":
		return []string{"timestamp"}
	case len(v.Enum) > 0 && len(v.Enum) < 10: // not the countries
		return []string{"enum"}
	}
	return []string{"string"}
}

// names are the values of an enum as REST has them.
func names(e protoreflect.EnumDescriptor) (all []string) {
	prefix := strings.TrimSuffix(string(e.Values().ByNumber(0).Name()), "UNSPECIFIED")
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			all = append(all, strings.TrimPrefix(string(v.Name()), prefix))
		}
	}
	return all
}

func enum(v *openapi3.Schema) (all []string) {
	for _, e := range v.Enum {
		all = append(all, e.(string))
	}
	return all
}

func TestListsHaveTheParametersOfTheContract(t *testing.T) {
	doc := contract(t)
	for path, m := range map[string]protoreflect.MessageDescriptor{
		"/v1/orders":   (&v1.ListOrdersRequest{}).ProtoReflect().Descriptor(),
		"/v1/products": (&v1.ListProductsRequest{}).ProtoReflect().Descriptor(),
	} {
		var want, got []string
		for _, p := range doc.Paths.Value(path).Get.Parameters {
			// skus and after are GraphQL's, prefix and name are storefronts', which use REST or it.
			left := slices.Contains([]string{"skus", "after", "prefix", "name"}, p.Value.Name)
			if p.Value.In == "query" && !left {
				want = append(want, p.Value.Name)
			}
		}
		for i := range m.Fields().Len() {
			got = append(got, m.Fields().Get(i).JSONName())
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", m.Name(), got, want)
		}
	}
}

func TestSummaryHasEveryPartOrItsError(t *testing.T) {
	m := (&v1.GetOrderSummaryResponse{}).ProtoReflect().Descriptor()
	parts := contract(t).Components.Schemas["OrderSummary"].Value.Properties
	if m.Fields().Len() != 2*len(parts) {
		t.Errorf("%d fields for %d parts", m.Fields().Len(), len(parts))
	}
	for name, part := range parts {
		f, failed := m.Fields().ByJSONName(name), m.Fields().ByJSONName(name+"Error")
		if f == nil || failed == nil || failed.Message().Name() != "PartError" ||
			!strings.HasSuffix(part.Value.OneOf[0].Ref, "/"+string(f.Message().Name())) {
			t.Errorf("%s is not as in the contract", name)
		}
	}
}
