package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	v1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/platform/money"
)

// refusal is an error as a client reads it.
type refusal struct {
	code           connect.Code
	reason, domain string
	fields         []string
	retry          time.Duration
	message        string
	metadata       map[string]string
}

func read(t *testing.T, err error) (r refusal) {
	t.Helper()
	var failed *connect.Error
	if !errors.As(err, &failed) {
		t.Fatalf("no error of the protocol: %v", err)
	}
	r.code, r.message = failed.Code(), failed.Message()
	for _, d := range failed.Details() {
		v, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case *errdetails.ErrorInfo:
			r.reason, r.domain, r.metadata = v.Reason, v.Domain, v.Metadata
		case *errdetails.BadRequest:
			for _, f := range v.FieldViolations {
				r.fields = append(r.fields, f.Field+": "+f.Description)
			}
		case *errdetails.RetryInfo:
			r.retry = v.RetryDelay.AsDuration()
		}
	}
	return r
}

func TestEveryKindOfFaultHasItsCodeAndDetails(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7: secret")
	refused := func(kind fault.Kind, code string) error {
		return fault.New(kind, code, "what happened").Because(secret)
	}
	limited := fault.New(fault.Limited, "TooManyOpenOrders", "what happened").After(9 * time.Second)
	open := fault.New(fault.Unavailable, "CircuitOpen", "secret").After(5 * time.Second)
	deadline := fmt.Errorf("%w: %w", secret, context.DeadlineExceeded)
	for _, c := range []struct {
		err    error
		code   connect.Code
		reason string
		retry  time.Duration
	}{
		{refused(fault.Invalid, "InvalidRequest"), connect.CodeInvalidArgument, "InvalidRequest", 0},
		{refused(fault.Unauthenticated, "Unauthenticated"), connect.CodeUnauthenticated, "Unauthenticated", 0},
		{refused(fault.Forbidden, "Forbidden"), connect.CodePermissionDenied, "Forbidden", 0},
		{refused(fault.NotFound, "OrderNotFound"), connect.CodeNotFound, "OrderNotFound", 0},
		{refused(fault.Conflict, "OrderNotCancellable"), connect.CodeFailedPrecondition, "OrderNotCancellable", 0},
		{refused(fault.Conflict, "TotalChanged"), connect.CodeAborted, "TotalChanged", 0},
		{refused(fault.TooLarge, "BodyTooLarge"), connect.CodeResourceExhausted, "BodyTooLarge", 0},
		{refused(fault.Refused, "UnknownSku"), connect.CodeFailedPrecondition, "UnknownSku", 0},
		{refused(fault.Refused, "IdempotencyKeyReused"), connect.CodeAlreadyExists, "IdempotencyKeyReused", 0},
		{limited, connect.CodeResourceExhausted, "TooManyOpenOrders", 9 * time.Second},
		{refused(fault.Internal, "WrongAnswer"), connect.CodeInternal, "Internal", 0},
		{refused(fault.Transient, "Transient"), connect.CodeUnavailable, "Unavailable", 2 * time.Second},
		{open, connect.CodeUnavailable, "Unavailable", 5 * time.Second},
		{secret, connect.CodeUnavailable, "Unavailable", 2 * time.Second},
		{refused(fault.TimedOut, "Late"), connect.CodeDeadlineExceeded, "DeadlineExceeded", 0},
		{deadline, connect.CodeDeadlineExceeded, "DeadlineExceeded", 0},
	} {
		for name, options := range map[string][]connect.ClientOption{
			"Connect": nil, "gRPC-Web": {connect.WithGRPCWeb()},
		} {
			orders := serve(t, &backends{err: c.err}, options...).orders
			_, err := orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
			got := read(t, err)
			if got.code != c.code || got.reason != c.reason || got.domain != "orderflow" || got.retry != c.retry ||
				got.message == "" || strings.Contains(fmt.Sprint(got, err), "secret") {
				t.Errorf("%s, %v: %+v, want %v %s %v", name, c.err, got, c.code, c.reason, c.retry)
			}
		}
	}
}

func TestPanicIsInternalWithoutItsText(t *testing.T) {
	_, err := serve(t, &backends{panics: true}).orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
	if got := read(t, err); got.code != connect.CodeInternal || got.reason != "Internal" ||
		strings.Contains(err.Error(), "defect") {
		t.Errorf("%+v", got)
	}
}

func TestRefusedFieldsAreNamedAsInTheMessage(t *testing.T) {
	invalid := &jsonschema.Invalid{Violations: []jsonschema.Violation{
		{Pointer: "/items/0/quantity", Detail: "must be at least 1"},
		{Pointer: "/shippingAddress/line1", Detail: "is required"},
		{Pointer: "/allowUnknownSku", Detail: "a"}, {Pointer: "orderId", Detail: "b"},
		{Pointer: "Idempotency-Key", Detail: "c"},
	}}
	refusal := fault.New(fault.Invalid, "InvalidRequest", "the request does not match").Because(invalid)
	_, err := serve(t, &backends{err: refusal}).orders.PlaceOrder(t.Context(), &v1.PlaceOrderRequest{})
	want := []string{
		"items[0].quantity: must be at least 1", "shipping_address.line1: is required", "allow_unknown_sku: a",
		"order_id: b", "idempotency-key: c",
	}
	if got := read(t, err); !slices.Equal(got.fields, want) {
		t.Errorf("%q", got.fields)
	}
}

func TestAChangedTotalIsInTheErrorInfo(t *testing.T) {
	changed := fault.New(fault.Conflict, "TotalChanged", "x").With("total", money.Money{Currency: "EUR", Amount: 4797})
	_, err := serve(t, &backends{err: changed}).orders.PlaceOrder(t.Context(), &v1.PlaceOrderRequest{})
	if got := read(t, err); got.metadata["currency"] != "EUR" || got.metadata["amount"] != "4797" {
		t.Errorf("%+v", got)
	}
}

func TestErrorsDoNotRepeatWhatTheCallerSent(t *testing.T) {
	for _, body := range []string{`{"orderId":4111111111111111}`, `{"orderId":"4111111111111111"`, `4111111111111111`} {
		for _, media := range []string{"application/json", "application/json; charset=utf-8"} {
			const method = orderflowv1connect.OrderServiceGetOrderProcedure
			r := httptest.NewRequest(http.MethodPost, method, strings.NewReader(body))
			r.Header.Set("Content-Type", media)
			w := httptest.NewRecorder()
			rpc.New(&backends{}, nil).ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "4111") {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	}
}
