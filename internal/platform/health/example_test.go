package health_test

import (
	"context"
	"errors"
	"fmt"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
)

// A service without its table is not ready. With an open circuit it is ready but degraded.
func ExampleSet() {
	set := health.New(clock.System{},
		health.Check{Name: "table", Probe: func(context.Context) error { return errors.New("connection refused") }},
		health.Check{Name: "breaker:carrier", Probe: func(context.Context) error {
			return health.Degraded(fault.New(fault.Transient, "CircuitOpen", "the carrier is not called"))
		}},
	)
	report := set.Report(context.Background())
	for _, c := range report.Checks {
		fmt.Println(c.Name, c.Status, c.Code)
	}
	fmt.Println(report.Public())
	// Output:
	// table fail Unreachable
	// breaker:carrier warn CircuitOpen
	// {fail}
}
