package orders

import (
	"context"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// ErrStopped: an operator has stopped the intake of orders. It does not say why: the reason is for
// operators.
var ErrStopped = fault.New(fault.Unavailable, "OrdersStopped",
	"no new orders are taken at the moment; nothing was ordered. Send it again later").After(time.Minute)

// Intake says whether new orders are taken. The zero Intake takes them.
type Intake struct {
	StoppedAt time.Time // zero if orders are taken
	Until     time.Time // when they are taken again; zero if an operator decides
	Reason    string
	By        string
}

// Stopped reports whether no orders are taken at a time.
func (i Intake) Stopped(at time.Time) bool {
	return !i.StoppedAt.IsZero() && (i.Until.IsZero() || at.Before(i.Until))
}

// refusal returns ErrStopped if no orders are taken at a time.
func (i Intake) refusal(at time.Time) error {
	switch {
	case !i.Stopped(at):
		return nil
	case i.Until.IsZero():
		return ErrStopped
	}
	return ErrStopped.After(i.Until.Sub(at))
}

// IntakeStore keeps whether new orders are taken.
type IntakeStore interface {
	// Intake returns what SaveIntake wrote last, times to the millisecond; the zero Intake before
	// that.
	Intake(ctx context.Context) (Intake, error)
	// SaveIntake writes whether new orders are taken.
	SaveIntake(ctx context.Context, i Intake) error
}

// Switch is an operator's switch for new orders.
type Switch struct {
	Store IntakeStore
	Clock clock.Clock
}

// Stop makes PlaceOrder refuse new orders until a time, or until Resume if that is zero. Orders in
// progress continue, and a repeated request gets its recorded answer.
func (s Switch) Stop(ctx context.Context, until time.Time, reason, by string) (Intake, error) {
	i := Intake{StoppedAt: s.Clock.Now(), Until: until, Reason: reason, By: by}
	return i, s.Store.SaveIntake(ctx, i)
}

// Resume makes PlaceOrder take orders again.
func (s Switch) Resume(ctx context.Context) error { return s.Store.SaveIntake(ctx, Intake{}) }
