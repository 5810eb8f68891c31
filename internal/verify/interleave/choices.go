// Package interleave searches all runs of a program: every order in which its threads can continue,
// and every fault of their calls, within bounds.
package interleave

// Choices are the choices of one run. The zero value is the first run.
type Choices struct {
	taken, of []int
	at        int
}

// Pick returns a choice of 0 to n-1. The next run must ask for the same choices up to the one that
// changes, so the program must be deterministic apart from them.
func (c *Choices) Pick(n int) int {
	if c.at == len(c.taken) {
		c.taken = append(c.taken, 0)
		c.of = append(c.of, n)
	}
	c.of[c.at] = n
	c.at++
	return c.taken[c.at-1]
}

// Next reports whether another run is left, and prepares it: it changes the last choice that has an
// alternative, and resets those after it.
func (c *Choices) Next() bool {
	c.at = 0
	for i := len(c.taken) - 1; i >= 0; i-- {
		if c.taken[i]+1 < c.of[i] {
			c.taken[i]++
			c.taken, c.of = c.taken[:i+1], c.of[:i+1]
			return true
		}
	}
	return false
}
