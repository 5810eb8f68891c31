package prove

import (
	"errors"
	"io"
	"os"
	"time"
)

// Search reads the definitions in dir, searches with up to a number of faults per run and writes
// the result. ok is false if an order can be left in a wrong state.
func Search(out io.Writer, dir string, faults uint) (ok bool, err error) {
	if faults > 10 {
		return false, errors.New("more than 10 faults would never finish: use fewer")
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
	machines, err := Load(fulfil, compensate)
	if err != nil {
		return false, err
	}
	report := Run(machines, Options{Faults: uint8(faults)}, time.Now)
	return report.Violation == nil, report.Print(out)
}
