package prove

import (
	"errors"
	"io"
	"os"
	"time"
)

// Search reads the definitions in dir, searches with up to so many faults in a run, and writes what it found. It is
// not ok if an order can be left wrong.
func Search(out io.Writer, dir string, faults uint) (ok bool, err error) {
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
	machines, err := Load(fulfil, compensate)
	if err != nil {
		return false, err
	}
	report := Run(machines, Options{Faults: uint8(faults)}, time.Now)
	return report.Violation == nil, report.Print(out)
}
