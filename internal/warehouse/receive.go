package warehouse

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/warehouse/contract"
)

// Message is a message from the warehouse.
type Message struct {
	// ID identifies the message; a repeated message has the same id. Type is the type of the body.
	ID, Type string
	Body     []byte
}

// digest identifies the content of a message.
func (m Message) digest() string { return idempotency.Hash([]byte(m.Type), m.Body) }

// Parked is a message that could not be handled, for an operator.
type Parked struct {
	// ID is the message's id and the digest of its content, so that each content is parked once.
	ID       string
	Message  Message
	Reason   string
	ParkedAt time.Time
}

// maxParkedBody is how much of a body is parked: an item has a size limit, and no valid message is
// longer.
const maxParkedBody = 64 << 10

// Why a message is parked, besides violations of its schema.
var (
	errNoID        = fault.New(fault.Invalid, "MessageWithoutId", "the message has no valid message id")
	errBody        = fault.New(fault.Invalid, "InvalidMessage", "the body does not match the schema of its type")
	errUnknownType = fault.New(fault.Invalid, "UnknownMessageType", "there is no message of this type")
	errReusedID    = fault.New(fault.Invalid, "MessageIdReused", "the id belongs to another message")
	errNotToPick   = fault.New(fault.Invalid, "OrderNotToPick", "the warehouse was not asked to pick this order")
)

// Receive handles a message from the warehouse, once: a repetition changes nothing. A message that
// cannot be understood is parked, and Receive reports so. An error means that the message must be
// delivered again.
func (s *Service) Receive(ctx context.Context, m Message) (parked bool, err error) {
	err = understand(m)
	if err == nil {
		err = s.once(ctx, m)
	}
	if err == nil || fault.KindOf(err) != fault.Invalid {
		return false, err
	}
	slog.WarnContext(ctx, "message from the warehouse parked", "messageType", known(m.Type), "reason", err.Error())
	p := Parked{ID: m.ID + "#" + m.digest(), Message: m, Reason: err.Error(), ParkedAt: s.clock.Now()}
	p.Message.Body = m.Body[:min(len(m.Body), maxParkedBody)]
	return true, s.store.Park(ctx, p)
}

// once handles a message behind the barrier of its id. The result is the content's digest, which
// tells a repetition from another message with the same id.
func (s *Service) once(ctx context.Context, m Message) error {
	first, err := barrier.Do(ctx, s.store, "message-"+m.ID, "receive-goods", func(
		ctx context.Context, once barrier.Once,
	) (string, error) {
		return m.digest(), s.handle(ctx, m, commit.With{Barrier: once.Returning(m.digest())})
	})
	if err == nil && first != m.digest() {
		return errReusedID
	}
	return err
}

// received are the types of the messages that handle handles.
var received = []string{
	contract.GoodsReceivedMessage, contract.StockCountedMessage, contract.OrderPickedMessage,
	contract.OrderPackedMessage,
}

// handle handles a message whose body has passed its schema. It commits what with has and the
// message's effect in one transaction.
func (s *Service) handle(ctx context.Context, m Message, with commit.With) error {
	switch m.Type {
	case contract.GoodsReceivedMessage:
		return s.goodsReceived(ctx, m, with)
	case contract.StockCountedMessage:
		return s.stockCounted(ctx, m, with)
	case contract.OrderPickedMessage:
		return s.orderPicked(ctx, m, with)
	case contract.OrderPackedMessage:
		return s.orderPacked(ctx, m, with)
	}
	return errUnknownType
}

// known returns a type that may be logged.
func known(kind string) string {
	if !slices.Contains(received, kind) {
		return "unknown"
	}
	return kind
}

func (s *Service) goodsReceived(ctx context.Context, m Message, with commit.With) error {
	data, err := bodyOf[contract.Received](m)
	if err != nil {
		return err
	}
	data.MessageID = m.ID
	reason := fmt.Sprintf("goods received by %s, reference %s, message %s", data.By, data.Reference, m.ID)
	movement := Movement{ID: m.ID, SKU: data.SKU, Delta: data.Quantity, Reason: reason}
	return s.moved(ctx, contract.GoodsReceived, movement, data, with)
}

func (s *Service) stockCounted(ctx context.Context, m Message, with commit.With) error {
	data, err := bodyOf[contract.Counted](m)
	if err != nil {
		return err
	}
	data.MessageID = m.ID
	reason := fmt.Sprintf("%d counted instead of %d by %s, message %s", data.Counted, data.Expected, data.By, m.ID)
	movement := Movement{ID: m.ID, SKU: data.SKU, Delta: data.Counted - data.Expected, Reason: reason}
	return s.moved(ctx, contract.StockCounted, movement, data, with)
}

func (s *Service) moved(ctx context.Context, eventType string, m Movement, data any, with commit.With) error {
	m.Version, m.Applied = 1, m.Delta == 0
	// A movement's event is about the product, which has no version; see inventory's AdjustStock.
	with.Events = []envelope.Event{s.events.New(ctx, eventType, m.SKU, s.clock.Now().UnixMicro(), data)}
	return s.store.SaveMovement(ctx, m, with)
}

func (s *Service) orderPicked(ctx context.Context, m Message, with commit.With) error {
	return s.prepared(ctx, contract.OrderPicked, m, with, func(o *Order) *time.Time { return &o.PickedAt })
}

func (s *Service) orderPacked(ctx context.Context, m Message, with commit.With) error {
	return s.prepared(ctx, contract.OrderPacked, m, with, func(o *Order) *time.Time { return &o.PackedAt })
}

// prepared records when an order was picked or packed, and publishes the event. A second message
// about the same has no effect.
func (s *Service) prepared(
	ctx context.Context, eventType string, m Message, with commit.With, at func(*Order) *time.Time,
) error {
	data, err := bodyOf[contract.Prepared](m)
	if err != nil {
		return err
	}
	o, err := s.store.Order(ctx, data.OrderID)
	if err != nil {
		return err
	}
	if !o.ToPick() {
		return errNotToPick
	}
	if t := at(&o); t.IsZero() {
		*t = s.clock.Now()
		o.Version++
		with.Events = []envelope.Event{s.events.New(ctx, eventType, o.ID, o.Version, data)}
		return s.store.SaveOrder(ctx, o, with)
	}
	return s.store.Record(ctx, with)
}
