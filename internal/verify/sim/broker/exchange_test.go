package broker_test

import (
	"slices"
	"testing"

	"orderflow/internal/verify/sim/broker"
)

func bodies(batch []*broker.Delivery) (all []string) {
	for _, d := range batch {
		all = append(all, string(d.Body))
	}
	return all
}

func publish(x *broker.Exchange, key, body string) []string {
	return x.Publish(broker.Message{RoutingKey: key, Body: []byte(body), Persistent: true})
}

func TestTopicExchangeRoutesByPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, key string
		routed       bool
	}{
		{"pick.#", "pick.requested", true},
		{"pick.#", "pick", true},
		{"pick.*", "pick", false},
		{"pick.*", "pick.a.b", false},
		{"#", "anything.at.all", true},
		{"*.counted", "stock.counted", true},
		{"#.counted", "counted", true},
		{"pick.requested", "pick.cancelled", false},
	} {
		x := broker.NewExchange()
		x.Bind("q", c.pattern)
		if got := len(publish(x, c.key, "")) == 1; got != c.routed {
			t.Errorf("%s matches %s: %t", c.pattern, c.key, got)
		}
	}
}

func TestEveryBoundQueueGetsAMessageOnce(t *testing.T) {
	x := broker.NewExchange()
	x.Bind("a", "pick.#")
	x.Bind("a", "#")
	x.Bind("b", "#")
	if got := publish(x, "pick.requested", "1"); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if x.Ready("a") != 1 || x.Ready("b") != 1 {
		t.Error("not once each")
	}
	x.Unbind("a")
	x.Unbind("b")
	if got := publish(x, "pick.requested", "2"); len(got) != 0 {
		t.Errorf("unroutable, but in %v", got)
	}
}

func TestUnacknowledgedMessagesComeAgainInTheirOldPlace(t *testing.T) {
	x := broker.NewExchange()
	x.Bind("q", "#")
	for _, body := range []string{"1", "2", "3"} {
		publish(x, "k", body)
	}
	batch := x.Get("q", 2)
	if !slices.Equal(bodies(batch), []string{"1", "2"}) || x.Unacked("q") != 2 {
		t.Fatal(bodies(batch))
	}
	if !batch[0].Ack() || batch[0].Ack() {
		t.Error("acknowledged not once")
	}
	x.Lose("q")
	if batch[1].Ack() {
		t.Error("a lost delivery was acknowledged")
	}
	again := x.Get("q", 9)
	if !slices.Equal(bodies(again), []string{"2", "3"}) || !again[0].Redelivered || again[1].Redelivered {
		t.Errorf("%v", bodies(again))
	}
}

func TestRestartKeepsPersistentMessages(t *testing.T) {
	x := broker.NewExchange()
	x.Bind("q", "#")
	publish(x, "k", "kept")
	x.Publish(broker.Message{RoutingKey: "k", Body: []byte("lost")})
	publish(x, "k", "unacked")
	x.Get("q", 1)
	x.Restart()
	if got := bodies(x.Get("q", 9)); !slices.Equal(got, []string{"kept", "unacked"}) {
		t.Error(got)
	}
}
