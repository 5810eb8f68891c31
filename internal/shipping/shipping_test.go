package shipping_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/schema"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/contract"
	"orderflow/internal/shipping/memory"
	"orderflow/sandbox/sandboxtest"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

var (
	arrange = contract.Arrange{
		OrderID: order, CustomerID: "alice", Items: []contract.Line{{SKU: "MUG-BLUE", Quantity: 2}},
		Address: contract.Address{
			Name: "Ada", Line1: "1 Main Street", City: "Berlin", PostalCode: "10115", Country: "DE",
		},
	}
	await   = contract.Await{OrderID: order, CustomerID: "alice", ResumeToken: "token"}
	cancel  = contract.Cancel{OrderID: order, CustomerID: "alice"}
	booked  = shipping.Callback{ID: "cb_1", Reference: order, Status: shipping.StatusBooked, TrackingNumber: "TRK-1"}
	refused = shipping.Callback{
		ID: "cb_2", Reference: order, Status: shipping.StatusRefused, Reason: "address_not_served",
	}

	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// depot is shipping on a memory store and a carrier behind a network that can fail.
type depot struct {
	*shipping.Service
	store   *memory.Store
	sandbox *sandboxtest.Carrier
	carrier shipping.Carrier
	network *network
}

func open() *depot {
	c := clock.At(now)
	d := &depot{store: memory.New(c), sandbox: sandboxtest.NewCarrier(c)}
	d.carrier = carrier.New(sandboxtest.Config(carrier.Name, d.sandbox))
	d.network = &network{Carrier: d.carrier}
	d.Service = shipping.New(d.store, d.network, c, &ids.Sequence{})
	return d
}

var errLost = errors.New("the response was lost")

// network loses requests and responses on demand.
type network struct {
	shipping.Carrier
	loseRequest, loseAnswer bool
	// arrived is called after the carrier has processed a booking, before its response.
	arrived func()
	// late holds the requests lost by loseRequest, to arrive later.
	late []shipping.Booking
}

func (n *network) Book(ctx context.Context, b shipping.Booking) (shipping.Consignment, error) {
	if n.loseRequest {
		n.late = append(n.late, b)
		return shipping.Consignment{}, errLost
	}
	c, err := n.Carrier.Book(ctx, b)
	if n.arrived != nil {
		n.arrived()
	}
	if n.loseAnswer {
		return shipping.Consignment{}, errLost
	}
	return c, err
}

func (n *network) Cancel(ctx context.Context, reference, key string) (shipping.Consignment, bool, error) {
	c, found, err := n.Carrier.Cancel(ctx, reference, key)
	if n.loseAnswer {
		return shipping.Consignment{}, false, errLost
	}
	return c, found, err
}

func (d *depot) arrange(t *testing.T) {
	t.Helper()
	result(t, shipping.StatusRequested)(d.ArrangeShipment(t.Context(), arrange))
}

func (d *depot) callback(t *testing.T, cb shipping.Callback) {
	t.Helper()
	if err := d.ReceiveCallback(t.Context(), cb); err != nil {
		t.Errorf("ReceiveCallback: %v", err)
	}
}

func result(t *testing.T, want shipping.Status) func(contract.Result, error) {
	t.Helper()
	return func(got contract.Result, err error) {
		t.Helper()
		if err != nil || got != (contract.Result{OrderID: order, Status: string(want)}) {
			t.Errorf("got %+v, %v; want status %q", got, err, want)
		}
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// event is an event's type and token.
type event struct{ eventType, token string }

// wantEvents checks all events so far and validates each against its schema.
func (d *depot) wantEvents(t *testing.T, want ...event) {
	t.Helper()
	schemas := schema.Load(contract.Schemas)
	events, _ := d.store.Outbox(t.Context())
	if len(events) != len(want) {
		t.Errorf("%d events, want %d", len(events), len(want))
		return
	}
	for i, e := range events {
		data, err := envelope.Decode[contract.ShipmentEvent](e)
		err = errors.Join(err, schemas.Validate(e))
		got := event{e.Type, data.ResumeToken}
		if err != nil || got != want[i] || data.CustomerID != "alice" || e.Subject != order {
			t.Errorf("event %d is %s %+v, %v; want %v", i, e.Type, data, err, want[i])
		}
	}
}

func TestArrangeAsksTheCarrierOnce(t *testing.T) {
	d := open()
	d.arrange(t)
	d.arrange(t)
	d.wantEvents(t, event{contract.ShipmentRequested, ""})
	sh, err := d.GetShipment(t.Context(), order)
	if err != nil || sh.CarrierID != "shp_1" || sh.CustomerID != "alice" || !d.sandbox.WillShip(order) {
		t.Errorf("GetShipment = %+v, %v", sh, err)
	}
}

func TestOrdersWithoutAShipmentAreLeftOut(t *testing.T) {
	d := open()
	d.arrange(t)
	list, err := d.ListShipments(t.Context(), []string{"other", order})
	if err != nil || len(list) != 1 || list[0].OrderID != order {
		t.Errorf("ListShipments = %+v, %v", list, err)
	}
}

func TestCallbackBeforeOurRecordIsRepeated(t *testing.T) {
	d := open()
	wantErr(t, d.ReceiveCallback(t.Context(), booked), shipping.ErrNoShipment)
	d.arrange(t)
	d.callback(t, booked) // the carrier repeats the callback
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentBooked, ""})
}

func TestFirstCallbackStands(t *testing.T) {
	d := open()
	d.arrange(t)
	for _, cb := range []shipping.Callback{booked, booked, refused} {
		d.callback(t, cb)
	}
	sh, _ := d.GetShipment(t.Context(), order)
	if sh.Status != shipping.StatusBooked || sh.TrackingNumber != "TRK-1" || sh.Reason != "" || sh.Version != 2 {
		t.Errorf("shipment %+v", sh)
	}
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentBooked, ""})
}

func TestSecondOfCallbackAndAwaitEmitsTheToken(t *testing.T) {
	for _, c := range []struct {
		cb        shipping.Callback
		eventType string
	}{{booked, contract.ShipmentBooked}, {refused, contract.ShipmentRefused}} {
		d := open()
		d.arrange(t)
		result(t, shipping.StatusRequested)(d.AwaitShipment(t.Context(), await))
		d.callback(t, c.cb)
		d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{c.eventType, "token"})

		d = open()
		d.arrange(t)
		d.callback(t, c.cb)
		result(t, c.cb.Status)(d.AwaitShipment(t.Context(), await))
		d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{c.eventType, ""}, event{c.eventType, "token"})
	}
}

// interrupted is a store that runs between after the first read.
type interrupted struct {
	shipping.Store
	between func()
}

func (s *interrupted) Get(ctx context.Context, orderID string) (shipping.Shipment, error) {
	sh, err := s.Store.Get(ctx, orderID)
	if f := s.between; f != nil {
		s.between = nil
		f()
	}
	return sh, err
}

func TestNoWakeUpIsLostIfCallbackAndAwaitAreConcurrent(t *testing.T) {
	d := open()
	d.arrange(t)
	store := &interrupted{Store: d.store, between: func() { d.callback(t, booked) }}
	waiting := shipping.New(store, nil, clock.At(time.Unix(0, 0)), &ids.Sequence{})
	result(t, shipping.StatusBooked)(waiting.AwaitShipment(t.Context(), await))
	d.wantEvents(t, event{contract.ShipmentRequested, ""},
		event{contract.ShipmentBooked, ""}, event{contract.ShipmentBooked, "token"})

	d = open()
	d.arrange(t)
	store = &interrupted{Store: d.store, between: func() {
		result(t, shipping.StatusRequested)(d.AwaitShipment(t.Context(), await))
	}}
	called := shipping.New(store, nil, clock.At(time.Unix(0, 0)), &ids.Sequence{})
	if err := called.ReceiveCallback(t.Context(), booked); err != nil {
		t.Error(err)
	}
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentBooked, "token"})
}

func TestRepeatedAwaitReplacesTheToken(t *testing.T) {
	d := open()
	d.arrange(t)
	result(t, shipping.StatusRequested)(d.AwaitShipment(t.Context(), await))
	again := await
	again.ResumeToken = "another"
	result(t, shipping.StatusRequested)(d.AwaitShipment(t.Context(), again))
	d.callback(t, booked)
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentBooked, "another"})
}

func TestAwaitWithoutAShipmentFails(t *testing.T) {
	_, err := open().AwaitShipment(t.Context(), await)
	wantErr(t, err, shipping.ErrNoShipment)
}

func TestCancelWakesTheWaitingSaga(t *testing.T) {
	d := open()
	d.arrange(t)
	result(t, shipping.StatusRequested)(d.AwaitShipment(t.Context(), await))
	for range 2 {
		result(t, shipping.StatusCancelled)(d.CancelShipment(t.Context(), cancel))
	}
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentCancelled, "token"})
	d.callback(t, booked) // too late: acknowledged without an effect
	sh, _ := d.GetShipment(t.Context(), order)
	if sh.Status != shipping.StatusCancelled || sh.TrackingNumber != "" || d.sandbox.WillShip(order) {
		t.Errorf("shipment %+v", sh)
	}
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentCancelled, "token"})
}

func TestAwaitAfterCancelEmitsTheCancellation(t *testing.T) {
	d := open()
	d.arrange(t)
	result(t, shipping.StatusCancelled)(d.CancelShipment(t.Context(), cancel))
	result(t, shipping.StatusCancelled)(d.AwaitShipment(t.Context(), await))
	d.wantEvents(t, event{contract.ShipmentRequested, ""},
		event{contract.ShipmentCancelled, ""}, event{contract.ShipmentCancelled, "token"})
}

func TestCancelKeepsARefusal(t *testing.T) {
	d := open()
	d.arrange(t)
	d.callback(t, refused)
	result(t, shipping.StatusRefused)(d.CancelShipment(t.Context(), cancel))
	sh, _ := d.GetShipment(t.Context(), order)
	if sh.Status != shipping.StatusRefused || sh.Reason != "address_not_served" || d.sandbox.WillShip(order) {
		t.Errorf("shipment %+v", sh)
	}
	d.wantEvents(t, event{contract.ShipmentRequested, ""}, event{contract.ShipmentRefused, ""})
}

func TestCancelStoresAndCancelsAnUnknownShipment(t *testing.T) {
	d := open()
	d.network.loseAnswer = true
	_, err := d.ArrangeShipment(t.Context(), arrange)
	if !errors.Is(err, errLost) || fault.KindOf(err) != fault.Transient {
		t.Errorf("ArrangeShipment: %v, want a transient fault", err)
	}
	d.wantEvents(t)
	d.network.loseAnswer = false
	result(t, shipping.StatusCancelled)(d.CancelShipment(t.Context(), cancel))
	if d.sandbox.WillShip(order) {
		t.Error("the carrier still ships")
	}
	d.wantEvents(t, event{contract.ShipmentCancelled, ""})
	d.callback(t, booked) // finds the cancelled shipment, so the carrier stops repeating it
}

func TestBookingAfterTheCancellationIsRefused(t *testing.T) {
	d := open()
	d.network.loseRequest = true
	_, err := d.ArrangeShipment(t.Context(), arrange)
	wantErr(t, err, errLost)
	result(t, "")(d.CancelShipment(t.Context(), cancel))
	_, err = d.carrier.Book(t.Context(), d.network.late[0])
	wantErr(t, err, shipping.ErrReferenceCancelled)
	d.wantEvents(t)
}

func TestArrangeThatLosesToItsCompensationIsRefused(t *testing.T) {
	d := open()
	d.network.arrived = func() { // the whole compensation runs before the response
		d.network.arrived = nil
		result(t, shipping.StatusCancelled)(d.CancelShipment(t.Context(), cancel))
	}
	_, err := d.ArrangeShipment(t.Context(), arrange)
	wantErr(t, err, barrier.ErrCompensated)
	if d.sandbox.WillShip(order) {
		t.Error("the carrier still ships")
	}

	d = open()
	if _, _, err := d.carrier.Cancel(t.Context(), order, "the compensation's call"); err != nil {
		t.Fatal(err)
	}
	_, err = d.ArrangeShipment(t.Context(), arrange)
	wantErr(t, err, shipping.ErrCancelled)
	d.wantEvents(t)
}

func TestIncompleteInputIsRefusedWithoutAnEffect(t *testing.T) {
	d := open()
	for name, change := range map[string]func(*contract.Arrange){
		"no order":    func(in *contract.Arrange) { in.OrderID = "" },
		"no customer": func(in *contract.Arrange) { in.CustomerID = "" },
		"no items":    func(in *contract.Arrange) { in.Items = nil },
		"no address":  func(in *contract.Arrange) { in.Address = contract.Address{} },
	} {
		in := arrange
		change(&in)
		if _, err := d.ArrangeShipment(t.Context(), in); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an invalid input", name, err)
		}
	}
	if _, err := d.AwaitShipment(t.Context(), contract.Await{OrderID: order}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no token: %v, want an invalid input", err)
	}
	if d.sandbox.WillShip(order) {
		t.Error("the carrier has a booking")
	}
}
