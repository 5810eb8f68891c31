// Package warehouse connects the shop with the warehouse's own system, which speaks AMQP.
//
// Out: an order is to be picked once it is confirmed and inventory has committed its stock. The two
// events arrive in any order; the one that comes second sends the pick job, with exactly the lines
// that inventory counts as shipped. A job counts as sent once the broker has confirmed it.
//
// In: goods received and stock counted become movements, each identified by its message's id.
// AdjustStock applies a movement through inventory's API, exactly once: see Movement. Messages that
// cannot be understood are parked, because the event source has no partial failures: one bad
// message would hold up all others.
//
// So at rest the warehouse's count of a product is inventory's onHand, apart from adjustments that
// operators made themselves: picked units are shipped units, and every other difference is a
// movement.
package warehouse

import (
	"context"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

// Retention is how long orders, movements and parked messages are kept: as long as a message can be
// redelivered.
const Retention = 90 * 24 * time.Hour

var (
	// ErrNoLines: the order is confirmed, but its lines have not arrived. When they do, they send
	// the job. If they never do, because the service was not there when stock was committed, the
	// event ends in the dead-letter queue.
	ErrNoLines = fault.New(fault.Transient, "LinesUnknown", "the lines of this confirmed order have not arrived")
	// ErrNoMovement says that there is no movement with the message's id.
	ErrNoMovement = fault.New(fault.NotFound, "MovementNotFound", "there is no stock movement with this message id")
	// ErrAdjusting: another delivery is applying the movement.
	ErrAdjusting = fault.New(fault.Transient, "MovementInProgress", "another delivery is adjusting the stock")
	// ErrOutcomeUnknown: an attempt had no answer, and inventory no longer remembers its key.
	ErrOutcomeUnknown = fault.New(fault.Conflict, "AdjustmentOutcomeUnknown",
		"the adjustment was tried more than 23 hours ago without an answer; repeating it could count it twice")
	// ErrRefused: inventory decided against the adjustment, so no attempt at it has taken effect.
	ErrRefused = fault.New(fault.Refused, "AdjustmentRefused", "inventory refused the adjustment")
	// ErrUnexpected: the function does not handle the event's type.
	ErrUnexpected = fault.New(fault.Invalid, "UnexpectedEvent", "events of this type are not handled here")
)

// Store keeps orders, movements and parked messages.
type Store interface {
	commit.Log
	// Order returns what is known of an order, the zero Order if nothing is.
	Order(ctx context.Context, orderID string) (Order, error)
	// SaveOrder writes the version after the stored one, else it returns fault.ErrLostRace.
	SaveOrder(ctx context.Context, o Order, with commit.With) error
	// Movement returns a movement, or ErrNoMovement.
	Movement(ctx context.Context, messageID string) (Movement, error)
	// SaveMovement writes the version after the stored one, else it returns fault.ErrLostRace.
	SaveMovement(ctx context.Context, m Movement, with commit.With) error
	// Parked returns the parked messages, by id.
	Parked(ctx context.Context) ([]Parked, error)
	// Park keeps a message. Repeating it changes nothing.
	Park(ctx context.Context, p Parked) error
}

// Broker sends messages to the warehouse.
type Broker interface {
	// Publish sends a message with a type, which is also its routing key, and an id. It returns nil
	// only if the broker has confirmed that a queue holds the message. After an error the message
	// may have been sent; repeating it with the same id is harmless.
	Publish(ctx context.Context, kind, id string, body []byte) error
}

// Adjustment is a change of the quantity on hand.
type Adjustment struct {
	// Key is the idempotency key: the same for every attempt at a movement.
	Key    string
	SKU    string
	Delta  int
	Reason string
}

// Inventory adjusts stock.
type Inventory interface {
	// Adjust makes the adjustment. Inventory remembers the key for 24 hours, in which a repetition
	// changes nothing. After an error other than ErrRefused the outcome is unknown.
	Adjust(ctx context.Context, a Adjustment) error
}

// Service is warehouse's use cases.
type Service struct {
	store     Store
	broker    Broker
	inventory Inventory
	clock     clock.Clock
	events    envelope.Publisher
}

// New returns the use cases. broker is needed by SendPickJob only, inventory by AdjustStock only.
func New(store Store, broker Broker, inventory Inventory, c clock.Clock, source ids.Source) *Service {
	return &Service{
		store: store, broker: broker, inventory: inventory, clock: c,
		events: envelope.Publisher{Service: "warehouse", Clock: c, IDs: source},
	}
}
