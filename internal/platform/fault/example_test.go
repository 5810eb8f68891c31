package fault_test

import (
	"errors"
	"fmt"

	"orderflow/internal/platform/fault"
)

var errSoldOut = fault.New(fault.Refused, "SoldOut", "no seat is left")

// A use case returns its error; an edge asks what kind it is.
func ExampleKindOf() {
	err := fmt.Errorf("booking trip 1: %w", errSoldOut)
	fmt.Println(fault.KindOf(err) == fault.Refused, errors.Is(err, errSoldOut))
	fmt.Println(fault.KindOf(errors.New("connection reset")) == fault.Transient)
	// Output:
	// true true
	// true
}

// A use case says more about an error of its own.
func ExampleError_Detailf() {
	err := errSoldOut.Detailf("no seat is left on %d trips", 2)
	fmt.Println(err, errors.Is(err, errSoldOut))
	fmt.Println(errSoldOut)
	// Output:
	// SoldOut: no seat is left on 2 trips true
	// SoldOut: no seat is left
}

// A decision that another writer overtook is taken again on fresh data.
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
