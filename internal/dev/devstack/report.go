package devstack

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Reporter prints what is being done and how long each part took. A nil Reporter prints nothing.
type Reporter struct {
	mu  sync.Mutex
	out io.Writer
}

// NewReporter returns a Reporter that prints to out.
func NewReporter(out io.Writer) *Reporter { return &Reporter{out: out} }

// Do runs f under a name: it prints the name when f starts and the duration when it is done.
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

// Printf prints one message; messages of parts that run at once do not mix.
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

// parallel runs all of fs at once and returns all of their errors.
func parallel(fs ...func() error) error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
