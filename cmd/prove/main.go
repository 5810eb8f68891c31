// Command prove searches every way in which an order's saga and its undoing can go, within a number of faults, for one
// that leaves the order wrong. It exits with 1 if there is one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"orderflow/internal/verify/prove"
)

func main() {
	faults := flag.Uint("faults", 3, "how many faults may happen in a run")
	dir := flag.String("machines", "statemachines", "where the definitions are")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the use cases log what they do, a million times
	ok, err := run(*dir, *faults)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(dir string, faults uint) (ok bool, err error) {
	if faults > 10 {
		return false, errors.New("more than 10 faults have no end")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	fulfil, err := root.ReadFile("fulfil-order.asl.json")
	if err != nil {
		return false, err
	}
	compensate, err := root.ReadFile("compensate-order.asl.json")
	if err != nil {
		return false, err
	}
	machines, err := prove.Load(fulfil, compensate)
	if err != nil {
		return false, err
	}
	report := prove.Run(machines, prove.Options{Faults: uint8(faults)}, time.Now)
	return report.Violation == nil, report.Print(os.Stdout)
}
