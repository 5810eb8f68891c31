// Package storetest holds the suite that every delivery.Store passes.
package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/host/delivery"
	"orderflow/internal/platform/storesuite"
)

// Suite is the suite.
var Suite = storesuite.Suite[delivery.Store]{
	Cases: []func(*testing.T, delivery.Store){
		MessagesAreKeptAsTheyAre, ManyAreKeptAtOnce, OnlyWhatIsDroppedIsGone,
	},
}

func want(t *testing.T, s delivery.Store, queue string, messages ...delivery.Message) {
	t.Helper()
	got, err := s.Messages(t.Context(), queue)
	storesuite.Must(t, err)
	if diff := cmp.Diff(messages, got); diff != "" && len(messages)+len(got) > 0 {
		t.Error(queue, diff)
	}
}

// MessagesAreKeptAsTheyAre says that every field is kept, also when a message is written again.
func MessagesAreKeptAsTheyAre(t *testing.T, s delivery.Store) {
	first := delivery.Message{Queue: "eat", ID: "1", Body: `{"a":"ü"}`}
	again := first
	again.Receives, again.Dead, again.Due = 3, true, storesuite.Start.Add(time.Minute)
	for _, m := range []delivery.Message{first, again, first} {
		storesuite.Must(t, s.Keep(t.Context(), []delivery.Message{m}))
		want(t, s, "eat", m)
	}
	want(t, s, "drink")
}

// ManyAreKeptAtOnce says that a call takes any number of messages of several queues.
func ManyAreKeptAtOnce(t *testing.T, s delivery.Store) {
	var all []delivery.Message
	var ids []string
	for n := range 130 {
		id := fmt.Sprintf("%03d", n)
		all = append(all, delivery.Message{Queue: "eat", ID: id, Body: strings.Repeat("x", 10_000)},
			delivery.Message{Queue: "drink", ID: id, Body: "y"})
		ids = append(ids, id)
	}
	storesuite.Must(t, s.Keep(t.Context(), all))
	of := func(queue string) []delivery.Message {
		return slices.DeleteFunc(slices.Clone(all), func(m delivery.Message) bool { return m.Queue != queue })
	}
	want(t, s, "eat", of("eat")...)
	want(t, s, "drink", of("drink")...)
	storesuite.Must(t, s.Drop(t.Context(), "eat", ids))
	want(t, s, "eat")
	want(t, s, "drink", of("drink")...)
	storesuite.Must(t, s.Keep(t.Context(), nil))
	storesuite.Must(t, s.Drop(t.Context(), "eat", nil))
}

// OnlyWhatIsDroppedIsGone says that dropping a missing message is not an error.
func OnlyWhatIsDroppedIsGone(t *testing.T, s delivery.Store) {
	one, two := delivery.Message{Queue: "eat", ID: "1", Body: "1"}, delivery.Message{Queue: "eat", ID: "2", Body: "2"}
	storesuite.Must(t, s.Keep(t.Context(), []delivery.Message{two, one}))
	for range 2 {
		storesuite.Must(t, s.Drop(t.Context(), "eat", []string{"1", "3"}))
		want(t, s, "eat", two)
	}
}
