package sim

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/platform/clock"
)

// Fault is a kind of fault. Each strikes wherever AWS, the network or a third party allows it.
type Fault string

// odds are the probabilities per occasion at full strength.
var odds = map[Fault]float64{}

func newFault(probability float64, name string) Fault {
	odds[Fault(name)] = probability
	return Fault(name)
}

// The faults, by where they strike. noSlot strikes at most once per seed and makes customers come
// in a burst.
var (
	crashBefore  = newFault(.01, "crash before commit")
	crashAfter   = newFault(.01, "crash after commit")
	writeRefused = newFault(.015, "write throttled")
	writeUnheard = newFault(.01, "write's answer lost")
	readRefused  = newFault(.006, "read throttled")
	slow         = newFault(.004, "slow function")
	zombie       = newFault(.006, "zombie: runs on after its timeout")

	callThrottled = newFault(.04, "step throttled")
	noSlot        = newFault(.15, "a burst finds no free slot")
	callLost      = newFault(.02, "step's call lost")
	callUnheard   = newFault(.03, "step's answer lost")
	callTwice     = newFault(.03, "step called twice, the second time late")

	requestLost       = newFault(.03, "third party: request lost")
	requestLate       = newFault(.03, "third party: request arrives late")
	requestTwice      = newFault(.03, "third party: request arrives twice")
	answerLost        = newFault(.04, "third party: answer lost")
	answerFalse       = newFault(.04, "third party: done, but answered 500")
	overloaded        = newFault(.04, "third party: answered 503")
	outage            = newFault(.01, "third party: outage")
	voidForgotten     = newFault(.02, "third party: void answered, then forgotten")
	callbackLate      = newFault(.08, "carrier's callback late")
	callbackTwice     = newFault(.1, "carrier's callback twice")
	callbackNever     = newFault(.03, "carrier's callback never")
	handRefund        = newFault(.15, "payment provider: refund by hand")
	refundNotice      = newFault(.2, "payment provider's notice")
	refundNoticeLate  = newFault(.2, "payment provider's notice late")
	answerUnsaid      = newFault(.1, "payment provider's notice of an answer lost")
	refundNoticeTwice = newFault(.2, "payment provider's notice twice")

	messageTwice   = newFault(.08, "message delivered twice")
	messageLate    = newFault(.1, "message late")
	batchThrottled = newFault(.05, "consumer throttled")
	streamAgain    = newFault(.05, "stream batch delivered again")
	streamParked   = newFault(.01, "stream record parked")
	publishRefused = newFault(.04, "topic refused")
	publishPartly  = newFault(.04, "topic refused a part")
	publishUnheard = newFault(.03, "topic's answer lost")

	startRefused  = newFault(.08, "StartExecution throttled")
	startUnheard  = newFault(.05, "StartExecution's answer lost")
	answerRefused = newFault(.08, "task answer throttled")
	answerUnheard = newFault(.05, "task answer's answer lost")
	aborted       = newFault(.06, "execution aborted from outside")
	hunted        = newFault(.02, "compensation aborted each time it is started, with its child")
	timedOut      = newFault(.06, "execution timed out from outside")
	childTwice    = newFault(.03, "Express child run twice, the second time late")
	childLost     = newFault(.03, "Express child lost in the middle")
	noticeTwice   = newFault(.1, "status notice delivered twice")
	noticeLost    = newFault(.1, "status notice lost")

	clientLost    = newFault(.05, "customer's request lost")
	clientUnheard = newFault(.08, "customer's answer lost")
	clientTwice   = newFault(.08, "customer's request sent twice")
	mailRefused   = newFault(.05, "mail refused")
	mailUnheard   = newFault(.03, "mail's answer lost")
	mailBounced   = newFault(.01, "mail refused for good")
	operatorQuick = newFault(.5, "operator retries a compensation at once")
)

// The faults of the brokers, which strike only in runs with brokers.
var (
	brokerOdds = map[Fault]float64{}

	logDown       = newBrokerFault(.01, "Kafka is down")
	logRefused    = newBrokerFault(.03, "Kafka refused a record")
	logUnheard    = newBrokerFault(.03, "Kafka's answer about a record lost")
	logUnread     = newBrokerFault(.02, "Kafka does not answer a reader")
	offsetUnheard = newBrokerFault(.1, "committed offset lost")
	recordParked  = newBrokerFault(.03, "Kafka's event source gave up on a record")
	rebalanced    = newBrokerFault(.05, "partition given to another poller")

	exchangeDown   = newBrokerFault(.01, "RabbitMQ restarts")
	unbound        = newBrokerFault(.01, "RabbitMQ has no queue for a message")
	connectionDead = newBrokerFault(.04, "connection died while the function was frozen")
	connectionLost = newBrokerFault(.05, "connection of RabbitMQ's event source lost")
	confirmLost    = newBrokerFault(.04, "RabbitMQ's confirm lost")
	shelvesFailed  = newBrokerFault(.05, "the warehouse's system failed after its work")
	goodsLate      = newBrokerFault(.08, "the warehouse's message late")
	goodsTwice     = newBrokerFault(.1, "the warehouse's message twice")
)

func newBrokerFault(probability float64, name string) Fault {
	brokerOdds[Fault(name)] = probability
	return Fault(name)
}

// Faults lists all kinds, in a fixed order.
func Faults() []Fault { return sortedKeys(odds) }

// fate is a seed's selection of faults, each with its own strength. None strikes while calm.
type fate struct {
	*rand.Rand
	odds  map[Fault]float64
	calm  bool
	count map[Fault]int
}

// newFate draws the faults of a seed. Seeds with few faults test these in depth; seeds with all of
// them test combinations.
func newFate(c *rand.Rand, odds map[Fault]float64, count map[Fault]int) *fate {
	f := &fate{Rand: c, odds: map[Fault]float64{}, count: count}
	share, strength := .3+.7*c.Float64(), []float64{.3, 1, 1, 3}[c.IntN(4)]
	for _, kind := range sortedKeys(odds) {
		if c.Float64() < share {
			f.odds[kind] = min(.5, odds[kind]*strength*(.5+c.Float64()))
		}
	}
	return f
}

// strikes decides whether a fault happens here and now.
func (f *fate) strikes(kind Fault) bool {
	p := f.odds[kind]
	if f.calm || p == 0 || f.Float64() >= p {
		return false
	}
	f.count[kind]++
	return true
}

func (f *fate) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.Int64N(int64(high-low)))
}

// newChance returns the only source of a world's randomness.
func newChance(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // must be predictable
}

func one[T any](c *fate, from []T) T { return from[c.IntN(len(from))] }

// identifiers makes ULIDs from virtual time; see ids.Source.
type identifiers struct {
	clock  clock.Clock
	chance *rand.Rand
}

// New returns the next identifier.
func (s identifiers) New() string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(s.clock.Now())) // fails after the year 10889
	for i := 6; i < len(id); i++ {
		id[i] = byte(s.chance.IntN(256)) //nolint:gosec // fits
	}
	return id.String()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
