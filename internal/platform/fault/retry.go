package fault

import "errors"

// decisions bounds how often a decision is made. Each lost race means that another writer
// succeeded, so losing this many in a row means heavy contention.
const decisions = 8

// RetryLostRace runs decide until it does not lose a race, at most eight times. After that the
// error is Transient, and the caller's own retry takes over.
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
