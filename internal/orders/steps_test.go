package orders_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
)

func TestConfirmTwiceTakesEffectOnce(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	for range 2 {
		got, err := s.confirm(id)
		if err != nil || got != (contract.Result{OrderID: id, Status: "CONFIRMED"}) {
			t.Errorf("confirm: %v, %v", got, err)
		}
	}
	s.wantStatus(id, orders.StatusConfirmed, "", "confirmed")
}

func TestStepsOfAnUnknownOrderAreRefused(t *testing.T) {
	s := open(t)
	_, confirm := s.confirm("none")
	_, closed := s.close("none")
	_, reject := s.reject("none")
	_, flag := s.flag("none")
	for name, err := range map[string]error{"confirm": confirm, "close": closed, "reject": reject, "flag": flag} {
		if !errors.Is(err, orders.ErrNoOrder) {
			t.Errorf("%s: %v, want ErrNoOrder", name, err)
		}
	}
}

func TestConfirmAfterCloseIsRefused(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	for range 2 {
		if got, err := s.close(id); err != nil || got.Confirmed {
			t.Errorf("close: %v, %v", got, err)
		}
	}
	if _, err := s.confirm(id); !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("dangling confirm: %v, want ErrCompensated", err)
	}
	if o := s.order(id); !o.Closed || o.Version != 2 {
		t.Errorf("after two closes: closed %v, version %d", o.Closed, o.Version)
	}
	s.wantStatus(id, orders.StatusPending, "", "")
}

func TestCloseAfterConfirmChangesNothing(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, err := s.confirm(id)
	must(t, err)
	before := s.order(id)
	for range 2 {
		if got, err := s.close(id); err != nil || !got.Confirmed {
			t.Errorf("close: %v, %v", got, err)
		}
	}
	if after := s.order(id); !cmp.Equal(before, after) {
		t.Errorf("close changed a confirmed order: %s", cmp.Diff(before, after))
	}
	s.wantStatus(id, orders.StatusConfirmed, "", "confirmed")
}

func TestRejectEndsAnOrderWithItsReason(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	for range 2 {
		got, err := s.reject(id)
		if err != nil || got != (contract.Result{OrderID: id, Status: "REJECTED"}) {
			t.Errorf("reject: %v, %v", got, err)
		}
	}
	s.wantStatus(id, orders.StatusRejected, orders.ReasonOutOfStock, "rejected")
	if _, err := s.confirm(id); !errors.Is(err, orders.ErrClosed) {
		t.Errorf("confirm: %v, want ErrClosed", err)
	}
}

func TestRejectWithAnUnknownReasonIsInternal(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	in := contract.Reject{OrderID: id, Reason: "States.Timeout", Detail: strings.Repeat("ä", 1000)}
	_, err := s.RejectOrder(t.Context(), in)
	must(t, err)
	s.wantStatus(id, orders.StatusRejected, orders.ReasonInternal, "rejected")
	if got := s.order(id).Detail; got != strings.Repeat("ä", 500) {
		t.Errorf("detail of %d bytes", len(got))
	}
}

func TestAStepCannotSayWhoCancelledAnOrder(t *testing.T) {
	for _, reason := range []string{"CANCELLED", "CANCELLED_BY_CUSTOMER", "CANCELLED_BY_OPERATOR"} {
		s := open(t)
		id := s.place().OrderID
		_, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: id, Reason: reason})
		must(t, err)
		s.wantStatus(id, orders.StatusRejected, orders.ReasonInternal, "rejected")
	}
}

func TestFlaggedOrderCanStillBeRejectedByALaterExecution(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, err := s.close(id)
	must(t, err)
	for range 2 {
		got, err := s.flag(id)
		if err != nil || got != (contract.Result{OrderID: id, Status: "NEEDS_ATTENTION"}) {
			t.Errorf("flag: %v, %v", got, err)
		}
	}
	s.wantStatus(id, orders.StatusNeedsAttention, orders.ReasonCompensationFailed, "needs-attention")
	if got, err := s.reject(id); err != nil || got.Status != "REJECTED" {
		t.Errorf("reject: %v, %v", got, err)
	}
	if got, err := s.flag(id); err != nil || got.Status != "REJECTED" {
		t.Errorf("late flag: %v, %v", got, err)
	}
	s.wantStatus(id, orders.StatusRejected, orders.ReasonOutOfStock, "rejected")
}

func TestFlaggedOrderOfACustomerWhoCancelledEndsAsCancelled(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, _, err := s.cancel(id, "")
	must(t, err)
	_, err = s.flag(id)
	must(t, err)
	_, err = s.reject(id)
	must(t, err)
	s.wantStatus(id, orders.StatusCancelled, orders.ReasonCancelledByCustomer,
		"cancellation-requested needs-attention cancelled")
}

func TestConfirmedOrderIsNeitherRejectedNorFlagged(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, err := s.confirm(id)
	must(t, err)
	for name, step := range map[string]func(string) (contract.Result, error){"reject": s.reject, "flag": s.flag} {
		if got, err := step(id); err != nil || got.Status != "CONFIRMED" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	s.wantStatus(id, orders.StatusConfirmed, "", "confirmed")
}

// The state machine's definition holds the reasons as plain text.
func TestAnOrderStoresEveryReasonOfTheSaga(t *testing.T) {
	definition, err := os.ReadFile("../../statemachines/fulfil-order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	for _, m := range regexp.MustCompile(`'([A-Z]+_[A-Z_]+)'`).FindAllStringSubmatch(string(definition), -1) {
		reasons[m[1]] = true
	}
	if len(reasons) < 5 {
		t.Fatalf("found only the reasons %v in the definition", reasons)
	}
	for reason := range reasons {
		s := open(t)
		id := s.place().OrderID
		if _, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: id, Reason: reason}); err != nil {
			t.Fatal(err)
		}
		if o := s.order(id); string(o.Reason) != reason {
			t.Errorf("the saga gives %s, the order has %s", reason, o.Reason)
		}
	}
}
