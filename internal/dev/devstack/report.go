package devstack

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Reporter prints steps and their durations. A nil Reporter prints nothing.
type Reporter struct {
	mu  sync.Mutex
	out io.Writer
}

// NewReporter returns a Reporter that prints to out.
func NewReporter(out io.Writer) *Reporter { return &Reporter{out: out} }

// Do runs f, and prints its name at the start and its duration at the end.
func (r *Reporter) Do(name string, f func() error) error {
	r.Printf("  … %s\n", name)
	start := time.Now()
	if err := f(); err != nil {
		r.Printf("  ✗ %s (%s)\n", name, Seconds(time.Since(start)))
		return err
	}
	r.Printf("  ✓ %s (%s)\n", name, Seconds(time.Since(start)))
	return nil
}

// Printf prints one message. It is safe for concurrent use.
func (r *Reporter) Printf(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format, args...)
}

// Seconds formats a duration for people.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// parallel runs fs concurrently and returns all their errors.
func parallel(fs ...func() error) error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
