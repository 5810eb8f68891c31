package devstack

import (
	"context"
	"fmt"
)

// Target is the emulator of AWS that a stack runs on.
type Target string

// The targets; empty means MiniStack.
const (
	MiniStack  Target = "ministack"
	LocalStack Target = "localstack"
)

// product is what differs between emulators.
type product interface {
	// setup installs what is missing into .tools/.
	setup(ctx context.Context, r Repo, rep *Reporter) error
	// adapt adapts the options, or fails if the emulator lacks something.
	adapt(opts *Options) error
	// command returns the emulator's program and its environment. It has nothing of the user's, as
	// functions may inherit it.
	command(r Repo, e *Emulator, port int) (argv, env []string)
	// named returns the name of the emulator that answers at e's URL.
	named(ctx context.Context, e *Emulator) (string, error)
	// inbox returns the mails sent so far.
	inbox(ctx context.Context, e *Emulator) ([]Mail, error)
	// scaleWaits multiplies the retry waits of state machines.
	scaleWaits(ctx context.Context, s *Stack, scale float64) error
}

func (t Target) product() (product, error) {
	switch t {
	case MiniStack, "":
		return miniStack{}, nil
	case LocalStack:
		return localStack{}, nil
	}
	return nil, fmt.Errorf("unknown target %q: use %s or %s", t, MiniStack, LocalStack)
}

// A Mail was sent by a function.
type Mail struct {
	To            []string
	Subject, Text string
}

// Inbox returns all mails sent through the emulator.
func (e *Emulator) Inbox(ctx context.Context) ([]Mail, error) {
	p, err := e.Target.product()
	if err != nil {
		return nil, err
	}
	return p.inbox(ctx, e)
}

// ScaleWaits multiplies the retry waits of state machines by scale; 1 restores the definition. It
// applies to new executions.
func (s *Stack) ScaleWaits(ctx context.Context, scale float64) error {
	p, err := s.Emulator.Target.product()
	if err != nil {
		return err
	}
	return p.scaleWaits(ctx, s, scale)
}
