package barrier

import (
	"context"
	"sync/atomic"
)

// memory holds the item that a run's log has read, which has both records and an aggregate.
type memory struct{ of atomic.Pointer[remembered] }

type remembered struct {
	key  string
	item any
}

type memoryKey struct{}

func remembering(ctx context.Context) context.Context {
	return context.WithValue(ctx, memoryKey{}, &memory{})
}

// Remember keeps the item in which a log has looked for a record, so that the run need not read it
// again. The run can use it safely: a write on condition of its version fails if the item has
// changed since. Outside a run it does nothing.
func Remember(ctx context.Context, key string, item any) {
	if m, ok := ctx.Value(memoryKey{}).(*memory); ok {
		m.of.Store(&remembered{key, item})
	}
}

// Recall returns the item that was kept under key, once.
func Recall(ctx context.Context, key string) (item any, ok bool) {
	m, ok := ctx.Value(memoryKey{}).(*memory)
	if !ok {
		return nil, false
	}
	kept := m.of.Load()
	if kept == nil || kept.key != key {
		return nil, false
	}
	m.of.Store(nil)
	return kept.item, true
}

// Forget drops the remembered item. Every write begins with it.
func Forget(ctx context.Context) {
	if m, ok := ctx.Value(memoryKey{}).(*memory); ok {
		m.of.Store(nil)
	}
}
