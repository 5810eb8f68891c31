package prove

// World is what the services and the third parties have stored about the order. It is a plain,
// comparable value.
type World struct {
	Available, Reserved, Shipped int8 // units of the one product; the order wants one
	Reservation                  reservation

	Payment payment // our record
	Charge  payment // the provider's record
	Voided  bool    // the provider's tombstone
	AuthKey reply   // the provider's answer for AuthorizePayment's key

	Shipment  shipment // our record
	Token     int8     // its resume token
	Booked    bool     // the carrier has a shipment
	Cancelled bool     // the carrier's tombstone
	BookKey   reply    // the carrier's answer for ArrangeShipment's key
	Called    bool     // the carrier's callback was received

	Order           order
	Closed          bool
	CancelRequested bool
	SaidConfirmed   bool // what CloseOrder answered first

	Marks [numSteps]mark // the barriers' records

	// Initial conditions: no stock; the decisions of the third parties.
	Empty, Declines, Refuses bool
}

type (
	reservation uint8
	payment     uint8
	shipment    uint8
	order       uint8
	reply       uint8
	mark        uint8
	step        uint8
)

const (
	unreserved reservation = iota
	reserved
	committed
	released
)

const (
	unpaid payment = iota
	authorized
	captured
	declined
	voided
	refunded
)

const (
	unshipped shipment = iota
	requested
	booked
	refused
	shipmentCancelled
)

const (
	pending order = iota
	confirmed
	rejected
	cancelled
	needsAttention
)

// Answers that a third party stores by idempotency key.
const (
	unasked reply = iota
	agreed
	saidNo
	barredThere
)

// A mark is a barrier's record of a step: none, done, or barred by its undo.
const (
	unmarked mark = iota
	done
	barred
)

// The steps that have a barrier.
const (
	reserveStock step = iota
	commitStock
	releaseStock
	authorizePayment
	capturePayment
	voidPayment
	arrangeShipment
	cancelShipment
	confirmOrder
	closeOrder
	numSteps
	noStep = numSteps
)

// final reports whether the order's status is final.
func (o order) final() bool { return o == confirmed || o == rejected || o == cancelled }
