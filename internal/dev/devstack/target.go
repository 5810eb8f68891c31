package devstack

import (
	"context"
	"fmt"
)

// Target is the emulator of AWS that a stack runs on.
type Target string

// The targets. The empty one is MiniStack.
const (
	MiniStack  Target = "ministack"
	LocalStack Target = "localstack"
)

// product is what differs between emulators; everything else of this package is the same for all.
type product interface {
	// setup installs what it needs into .tools/; what is there is left alone.
	setup(ctx context.Context, r Repo, rep *Reporter) error
	// adapt makes the options fit what it has, or says what it does not have.
	adapt(opts *Options) error
	// command is the program that is the emulator e on a port, and its whole environment. Functions
	// may inherit it, so nothing of the user's own is in it.
	command(r Repo, e *Emulator, port int) (argv, env []string, err error)
	// named returns what the emulator that answers at e's URL calls itself.
	named(ctx context.Context, e *Emulator) (string, error)
	// inbox returns the mails that were sent.
	inbox(ctx context.Context, e *Emulator) ([]Mail, error)
	// scaleWaits makes the waits of state machines before retries so many times as long.
	scaleWaits(ctx context.Context, s *Stack, scale float64) error
}

func (t Target) product() (product, error) {
	switch t {
	case MiniStack, "":
		return miniStack{}, nil
	case LocalStack:
		return localStack{}, nil
	}
	return nil, fmt.Errorf("there is no target %q: use %s or %s", t, MiniStack, LocalStack)
}

// A Mail is one that functions have sent.
type Mail struct {
	To            []string
	Subject, Text string
}

// Inbox returns the mails that were sent through the emulator, to whomever.
func (e *Emulator) Inbox(ctx context.Context) ([]Mail, error) {
	p, err := e.Target.product()
	if err != nil {
		return nil, err
	}
	return p.inbox(ctx, e)
}

// ScaleWaits makes state machines wait so many times as long before a retry as they are defined to;
// 1 is as defined. It counts for executions that start from now on.
func (s *Stack) ScaleWaits(ctx context.Context, scale float64) error {
	p, err := s.Emulator.Target.product()
	if err != nil {
		return err
	}
	return p.scaleWaits(ctx, s, scale)
}
