// Package follow continuously reads the streams of tables and hands their records to functions, as
// event sources do on AWS. It saves the place of each shard only after the records before it were
// handed over. So each record is handed over at least once, however the process ends.
package follow

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/outbox/tail"
)

// Place is how far a shard was read.
type Place struct {
	After string // sequence number of the last record; "" for none
	End   bool   // the shard has ended
}

// Places keeps how far the shards of streams were read.
type Places interface {
	// Places returns the places of a stream's shards, read consistently.
	Places(ctx context.Context, stream string) (map[string]Place, error)
	// SavePlace writes the place of a shard.
	SavePlace(ctx context.Context, stream, shard string, p Place) error
}

// Source is a stream.
type Source interface {
	// Shards lists the shards.
	Shards(ctx context.Context) ([]tail.Part, error)
	// Follow returns a reader of a shard from after a sequence number.
	Follow(shard, after string) Reader
}

// Reader reads a shard; see tail.Reader.
type Reader interface {
	Next(ctx context.Context) (tail.Page, error)
}

const (
	// poll is the pause before the next read of a shard that had no new records.
	poll = 250 * time.Millisecond
	// pause is the wait after an error.
	pause = time.Second
	// survey is how often new shards are looked for.
	survey = 30 * time.Second
	// idle is how often the place of a shard with only unwanted records is saved.
	idle = time.Minute
)

// Follower follows one stream.
type Follower struct {
	Stream string // its ARN
	Source Source
	Places Places
	// Hand hands over the records of a page. It fails if ctx ends first.
	Hand func(ctx context.Context, payload []byte) error
	// Mark changes whenever work was done that may have written records.
	Mark func() int

	mu     sync.Mutex
	shards map[string]int // the mark when the shard's last page was read, -1 if it had records
}

// Run follows the stream until ctx ends and nothing is being handed over.
func (f *Follower) Run(ctx context.Context) {
	f.mu.Lock()
	f.shards = map[string]int{}
	f.mu.Unlock()
	var running sync.WaitGroup
	ended := make(chan struct{}, 1)
	for ctx.Err() == nil {
		wait := survey
		if err := f.begin(ctx, &running, ended); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the shards of a stream were not listed", "stream", f.Stream, "error", err.Error())
			wait = pause
		}
		looking, cancel := context.WithTimeout(ctx, wait)
		select {
		case <-looking.Done():
		case <-ended: // others may have begun
		}
		cancel()
	}
	running.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shards = nil
}

// Quiet reports whether the shards that this process follows had no records since the last mark.
func (f *Follower) Quiet() bool {
	now := f.Mark()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, mark := range f.shards {
		if mark != now {
			return false
		}
	}
	return true
}

// begin follows the shards that are not followed yet.
func (f *Follower) begin(ctx context.Context, running *sync.WaitGroup, ended chan<- struct{}) error {
	shards, err := f.Source.Shards(ctx)
	if err != nil {
		return err
	}
	places, err := f.Places.Places(ctx, f.Stream)
	if err != nil {
		return err
	}
	for _, s := range shards {
		f.mu.Lock()
		_, followed := f.shards[s.Shard]
		if !followed && !places[s.Shard].End {
			f.shards[s.Shard] = -1
			running.Go(func() {
				f.follow(ctx, s.Shard, places[s.Shard])
				f.mu.Lock()
				delete(f.shards, s.Shard)
				f.mu.Unlock()
				select {
				case ended <- struct{}{}:
				default:
				}
			})
		}
		f.mu.Unlock()
	}
	return nil
}

// follow reads a shard until its end, or until ctx ends.
func (f *Follower) follow(ctx context.Context, shard string, at Place) {
	reader := f.Source.Follow(shard, at.After)
	saved, moved := time.Now(), false
	warn := func(text string, err error) {
		if ctx.Err() == nil {
			slog.WarnContext(ctx, text, "stream", f.Stream, "shard", shard, "error", err.Error())
		}
	}
	for ctx.Err() == nil {
		mark := f.Mark()
		page, err := reader.Next(ctx)
		if err != nil {
			warn("a stream was not read; trying again", err)
			_ = clock.Sleep(ctx, pause)
			continue
		}
		if page.Trimmed {
			slog.ErrorContext(ctx, "the stream no longer has what was not relayed yet; sweeps find its orders",
				"stream", f.Stream, "shard", shard)
		}
		if page.Wanted > 0 {
			if err := f.Hand(ctx, page.Payload); err != nil {
				return // the next term reads the page again
			}
		}
		if page.Records > 0 {
			at.After, moved, mark = page.After, true, -1
		}
		at.End = page.End
		if page.Wanted > 0 || page.End || moved && time.Since(saved) > idle {
			if err := f.Places.SavePlace(context.WithoutCancel(ctx), f.Stream, shard, at); err != nil {
				warn("the place in a stream was not written; its records may come again", err)
			}
			saved, moved = time.Now(), false
		}
		if page.End {
			return
		}
		f.mu.Lock()
		f.shards[shard] = mark
		f.mu.Unlock()
		if page.Records == 0 {
			_ = clock.Sleep(ctx, poll)
		}
	}
}
