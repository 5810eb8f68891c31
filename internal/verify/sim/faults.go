package sim

import "time"

// Fault is a kind of fault. Each strikes wherever AWS, the network or a third party allows it.
type Fault string

// The faults, by where they strike.
const (
	crashBefore  Fault = "crash before commit"
	crashAfter   Fault = "crash after commit"
	writeRefused Fault = "write throttled"
	writeUnheard Fault = "write's answer lost"
	readRefused  Fault = "read throttled"
	slow         Fault = "slow function"
	zombie       Fault = "zombie: runs on after its timeout"

	callThrottled Fault = "step throttled"
	noSlot        Fault = "a burst finds no free slot"
	callLost      Fault = "step's call lost"
	callUnheard   Fault = "step's answer lost"
	callTwice     Fault = "step called twice, the second time late"

	requestLost       Fault = "third party: request lost"
	requestLate       Fault = "third party: request arrives late"
	requestTwice      Fault = "third party: request arrives twice"
	answerLost        Fault = "third party: answer lost"
	answerFalse       Fault = "third party: done, but answered 500"
	overloaded        Fault = "third party: answered 503"
	outage            Fault = "third party: outage"
	voidForgotten     Fault = "third party: void answered, then forgotten"
	callbackLate      Fault = "carrier's callback late"
	callbackTwice     Fault = "carrier's callback twice"
	callbackNever     Fault = "carrier's callback never"
	handRefund        Fault = "payment provider: refund by hand"
	refundNotice      Fault = "payment provider's notice"
	refundNoticeLate  Fault = "payment provider's notice late"
	refundNoticeTwice Fault = "payment provider's notice twice"

	messageTwice   Fault = "message delivered twice"
	messageLate    Fault = "message late"
	batchThrottled Fault = "consumer throttled"
	streamAgain    Fault = "stream batch delivered again"
	streamParked   Fault = "stream record parked"
	publishRefused Fault = "topic refused"
	publishPartly  Fault = "topic refused a part"
	publishUnheard Fault = "topic's answer lost"

	startRefused  Fault = "StartExecution throttled"
	startUnheard  Fault = "StartExecution's answer lost"
	answerRefused Fault = "task answer throttled"
	answerUnheard Fault = "task answer's answer lost"
	aborted       Fault = "execution aborted from outside"
	hunted        Fault = "compensation aborted each time it is started"
	timedOut      Fault = "execution timed out from outside"
	noticeTwice   Fault = "status notice delivered twice"
	noticeLost    Fault = "status notice lost"

	clientLost    Fault = "customer's request lost"
	clientUnheard Fault = "customer's answer lost"
	clientTwice   Fault = "customer's request sent twice"
	mailRefused   Fault = "mail refused"
	mailUnheard   Fault = "mail's answer lost"
	mailBounced   Fault = "mail refused for good"
	operatorQuick Fault = "operator retries a compensation at once"
)

// odds are the probabilities per occasion at full strength. noSlot strikes at most once per seed
// and makes customers come in a burst.
var odds = map[Fault]float64{
	crashBefore: .01, crashAfter: .01, writeRefused: .015, writeUnheard: .01, readRefused: .006,
	slow: .004, zombie: .006,
	callThrottled: .04, noSlot: .15, callLost: .02, callUnheard: .03, callTwice: .03,
	requestLost: .03, requestLate: .03, requestTwice: .03, answerLost: .04, answerFalse: .04,
	overloaded: .04, outage: .01, voidForgotten: .02,
	callbackLate: .08, callbackTwice: .1, callbackNever: .03,
	handRefund: .15, refundNotice: .2, refundNoticeLate: .2, refundNoticeTwice: .2,
	messageTwice: .08, messageLate: .1, batchThrottled: .05, streamAgain: .05, streamParked: .01,
	publishRefused: .04, publishPartly: .04, publishUnheard: .03,
	startRefused: .08, startUnheard: .05, answerRefused: .08, answerUnheard: .05,
	aborted: .06, hunted: .02, timedOut: .06, noticeTwice: .1, noticeLost: .1,
	clientLost: .05, clientUnheard: .08, clientTwice: .08,
	mailRefused: .05, mailUnheard: .03, mailBounced: .01, operatorQuick: .5,
}

// Faults lists all kinds, in a fixed order.
func Faults() []Fault { return sortedKeys(odds) }

// fate is a seed's selection of faults, each with its own strength. None strikes while calm.
type fate struct {
	*chance
	odds  map[Fault]float64
	calm  bool
	Count map[Fault]int
}

// newFate draws the faults of a seed. Seeds with few faults test these in depth; seeds with all of
// them test combinations.
func newFate(c *chance) *fate {
	f := &fate{chance: c, odds: map[Fault]float64{}, Count: map[Fault]int{}}
	share, strength := .3+.7*c.Float64(), []float64{.3, 1, 1, 3}[c.IntN(4)]
	for _, kind := range Faults() {
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
	f.Count[kind]++
	return true
}

// between draws a duration.
func (c *chance) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.Int64N(int64(high-low)))
}
