package fault_test

import (
	"errors"
	"fmt"

	"orderflow/internal/platform/fault"
)

var errSoldOut = fault.New(fault.Refused, "SoldOut", "no seats left")

// A use case returns its error; an edge asks for the kind.
func ExampleKindOf() {
	err := fmt.Errorf("booking trip 1: %w", errSoldOut)
	fmt.Println(fault.KindOf(err) == fault.Refused, errors.Is(err, errSoldOut))
	fmt.Println(fault.KindOf(errors.New("connection reset")) == fault.Transient)
	// Output:
	// true true
	// true
}

// A use case adds detail to an error.
func ExampleError_Detailf() {
	err := errSoldOut.Detailf("no seats left on %d trips", 2)
	fmt.Println(err, errors.Is(err, errSoldOut))
	fmt.Println(errSoldOut)
	// Output:
	// SoldOut: no seats left on 2 trips true
	// SoldOut: no seats left
}

// A decision that lost a race is made again on fresh data.
func ExampleRetryLostRace() {
	version := 0
	n, err := fault.RetryLostRace(func() (int, error) {
		if version++; version < 3 {
			return 0, fault.ErrLostRace
		}
		return version, nil
	})
	fmt.Println(n, err)
	// Output: 3 <nil>
}
