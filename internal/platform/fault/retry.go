package fault

import "errors"

// decisions bounds how often a decision is taken anew. Each lost race means that
// somebody else succeeded, so losing many times in a row is heavy contention.
const decisions = 8

// RetryLostRace runs decide again for as long as it loses a race, at most eight
// times; then the error is Transient and the caller's own retry takes over.
func RetryLostRace[R any](decide func() (R, error)) (R, error) {
	var r R
	var err error
	for range decisions {
		if r, err = decide(); !errors.Is(err, ErrLostRace) {
			return r, err
		}
	}
	return r, New(Transient, "Contention", "too many concurrent changes; try again").Because(err)
}
