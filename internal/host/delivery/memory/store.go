// Package memory is a delivery.Store in memory. It ends with the process.
package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"orderflow/internal/host/delivery"
)

// Store implements delivery.Store. Use New.
type Store struct {
	mu     sync.Mutex
	queues map[string]map[string]delivery.Message
}

// New returns an empty store.
func New() *Store { return &Store{queues: map[string]map[string]delivery.Message{}} }

// Keep writes messages.
func (s *Store) Keep(_ context.Context, messages []delivery.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		if s.queues[m.Queue] == nil {
			s.queues[m.Queue] = map[string]delivery.Message{}
		}
		s.queues[m.Queue][m.ID] = m
	}
	return nil
}

// Drop deletes messages.
func (s *Store) Drop(_ context.Context, queue string, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.queues[queue], id)
	}
	return nil
}

// Messages returns all messages of a queue.
func (s *Store) Messages(_ context.Context, queue string) ([]delivery.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byID := func(a, b delivery.Message) int { return cmp.Compare(a.ID, b.ID) }
	return slices.SortedFunc(maps.Values(s.queues[queue]), byID), nil
}
