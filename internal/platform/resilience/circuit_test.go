package resilience

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fails lets so many distinct calls fail at once.
func (c Circuit) fails(n int, now time.Time) Circuit {
	for i := range n {
		c = c.failed(strconv.Itoa(i), now, DefaultSettings)
	}
	return c
}

func TestItOpensWhenThreeCallsFailInAWindow(t *testing.T) {
	c := Circuit{State: Closed}.fails(2, began)
	if c.State != Closed {
		t.Fatalf("after two: %+v", c)
	}
	if c = c.failed("third", began.Add(29*time.Second), DefaultSettings); c.State != Open || c.admits() {
		t.Errorf("after three: %+v", c)
	}
}

func TestFailuresOfAnotherWindowDoNotCount(t *testing.T) {
	c := Circuit{State: Closed}.fails(2, began)
	c = c.failed("third", began.Add(30*time.Second), DefaultSettings)
	if c.State != Closed || len(c.Failed) != 1 || len(c.Row) != 1 {
		t.Errorf("%+v, want a new window with one failure", c)
	}
}

func TestItsLatestOpeningsOutliveItsClosing(t *testing.T) {
	c, now := Circuit{State: Closed}, began
	for range maxOpened + 1 {
		now = now.Add(time.Minute)
		c = c.fails(3, now).claimed(now, DefaultSettings).probed(true, now, DefaultSettings)
	}
	if c.State != Closed || len(c.Opened) != maxOpened || !c.Opened[0].Equal(began.Add(2*time.Minute)) ||
		!c.Opened[maxOpened-1].Equal(now) {
		t.Errorf("%s with %d openings: %v", c.State, len(c.Opened), c.Opened)
	}
	if c = c.fails(3, now).released(now); !c.Opened[maxOpened-1].Equal(now) {
		t.Errorf("a probe that is given back: %+v", c)
	}
}

func TestCallThatAlwaysFailsDoesNotBlockTheOthers(t *testing.T) {
	c := Circuit{State: Closed}
	for range 100 {
		c = c.failed("poisoned", began, DefaultSettings)
	}
	if c.State != Closed || c.Version != 1 {
		t.Errorf("%+v, want one failure", c)
	}
}

func TestItStaysClosedWhileMostCallsSucceed(t *testing.T) {
	c := Circuit{State: Closed}.fails(2, began)
	for range 4 {
		c = c.succeeded(began)
	}
	if c = c.failed("third", began, DefaultSettings); c.State != Closed { // 3 of 7
		t.Fatalf("3 of 7 failed: %+v", c)
	}
	if c = c.failed("fourth", began, DefaultSettings); c.State != Open { // 4 of 8
		t.Errorf("4 of 8 failed: %+v", c)
	}
}

// An outage that begins after a lone failure and many successes must be noticed before the window
// ends.
func TestItOpensAfterFiveFailuresInARowEvenAfterManySuccesses(t *testing.T) {
	c := Circuit{State: Closed}.failed("alone", began, DefaultSettings)
	for range 1000 {
		c = c.succeeded(began)
	}
	for n := range 4 {
		for range 3 { // each as often as its caller likes
			c = c.failed(strconv.Itoa(n), began, DefaultSettings)
		}
	}
	if c.State != Closed {
		t.Fatalf("after four in a row: %+v", c)
	}
	if c := c.succeeded(began).failed("fifth", began, DefaultSettings); c.State != Closed {
		t.Errorf("after five with a success among them: %+v", c)
	}
	if c := c.failed("alone", began, DefaultSettings); c.State != Open {
		t.Errorf("after five in a row, the last of which had failed before: %+v", c)
	}
}

func TestFailuresInARowCountBeyondTheRememberedOnes(t *testing.T) {
	c := Circuit{State: Closed}
	for n := range 2 * maxFailed {
		c = c.failed("alone "+strconv.Itoa(n), began, DefaultSettings).succeeded(began).succeeded(began)
	}
	if c.State != Closed || len(c.Failed) != maxFailed {
		t.Fatalf("a third failed, never two in a row: %+v", c)
	}
	if c = c.fails(5, began); c.State != Open {
		t.Errorf("after five in a row: %+v", c)
	}
}

func TestSuccessesOfAHealthyDependencyAreNotStored(t *testing.T) {
	c := Circuit{State: Closed}
	if c.succeeded(began).Version != 0 {
		t.Error("a success changed a healthy circuit")
	}
	if c = c.fails(1, began); c.succeeded(began.Add(31*time.Second)).Version != c.Version {
		t.Error("a success changed a circuit that has been healthy for a window")
	}
}

func TestItIsOpenLongerEachTimeUpToALimit(t *testing.T) {
	c, now := Circuit{State: Closed}.fails(3, began), began
	for _, want := range []time.Duration{5, 10, 15, 15} {
		if got := c.wait(now); got != want*time.Second {
			t.Fatalf("opening %d lasts %v, want %ds", c.Openings, got, want)
		}
		if now = c.RetryAt; c.probeDue(now.Add(-1)) || !c.probeDue(now) {
			t.Fatal("the probe is not due exactly when the time is over")
		}
		c = c.claimed(now, DefaultSettings)
		c = c.probed(false, now, DefaultSettings)
	}
	c = c.claimed(c.RetryAt, DefaultSettings).probed(true, c.RetryAt, DefaultSettings)
	if c.State != Closed || c.Openings != 0 || len(c.Failed) > 0 {
		t.Errorf("after a good probe: %+v", c)
	}
}

func TestProbeWithoutAResultIsReplaced(t *testing.T) {
	c := Circuit{State: Closed}.fails(3, began)
	c = c.claimed(c.RetryAt, DefaultSettings)
	if c.probeDue(c.ProbeEnds.Add(-1)) || !c.probeDue(c.ProbeEnds) {
		t.Error("a lost probe is not replaced when its time is over")
	}
	if c = c.released(began); c.State != Open || !c.probeDue(began) {
		t.Errorf("released: %+v, want one that can be claimed at once", c)
	}
}

// No matter how calls end, an open circuit admits no call too early, versions only grow, and the
// state stays small.
func TestInvariantsHoldForEverySequenceOfCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := Circuit{State: Closed}, began
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			before := c
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				c = c.failed(strconv.Itoa(rapid.IntRange(0, 30).Draw(t, "call")), now, DefaultSettings)
			case 1:
				c = c.succeeded(now)
			case 2:
				if c.probeDue(now) {
					c = c.claimed(now, DefaultSettings)
				}
			case 3:
				if c.State == HalfOpen {
					c = c.probed(rapid.Bool().Draw(t, "ok"), now, DefaultSettings)
				}
			}
			if c.Version < before.Version || c.Version > before.Version+1 {
				t.Fatalf("version %d after %d", c.Version, before.Version)
			}
			if c.State != before.State && c.Version == before.Version {
				t.Fatalf("%s after %s without a new version", c.State, before.State)
			}
			if before.State == Open && c.State == Closed || before.State == Closed && c.State == HalfOpen {
				t.Fatalf("%s after %s", c.State, before.State)
			}
			if c.State == Open && before.State == Open && !c.RetryAt.Equal(before.RetryAt) {
				t.Fatal("it was held open by calls that were admitted before")
			}
			if len(c.Failed) > maxFailed || len(c.Row) >= DefaultSettings.Row ||
				c.wait(now) > DefaultSettings.MaxOpenFor {
				t.Fatalf("%d calls remembered, %v to wait", len(c.Failed), c.wait(now))
			}
		}
	})
}
