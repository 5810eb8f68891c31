package prove

// World is what the services and the two third parties hold about the order. It is a plain value, so that worlds can be
// compared and remembered.
type World struct {
	Available, Reserved, Shipped int8 // units of the one product; the order wants one
	Reservation                  reservation

	Payment payment // what we have written down
	Charge  payment // what the provider has
	Voided  bool    // the provider's tombstone
	AuthKey reply   // the provider's answer to the key of AuthorizePayment

	Shipment  shipment // what we have written down
	Token     int8     // the resume token in it
	Booked    bool     // the carrier has a shipment
	Cancelled bool     // the carrier's tombstone
	BookKey   reply    // the carrier's answer to the key of ArrangeShipment
	Called    bool     // the carrier's callback was taken

	Order           order
	Closed          bool
	CancelRequested bool
	SaidConfirmed   bool // what CloseOrder answered first

	Marks [numSteps]mark // the barriers' records

	// How the run began: there was no stock; what the third parties will say.
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

// Answers that a third party remembers by an idempotency key.
const (
	unasked reply = iota
	agreed
	saidNo
	barredThere
)

// A mark is a barrier's record of a step: there is none, it was done, or its undo has barred it.
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

// final tells whether nothing changes the order's status any more.
func (o order) final() bool { return o == confirmed || o == rejected || o == cancelled }
