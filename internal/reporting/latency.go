package reporting

import (
	"fmt"
	"strconv"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"orderflow/internal/platform/fault"
)

// accuracy is the largest relative error of a quantile.
const accuracy = 0.01

// bins maps milliseconds to bins whose width grows with the time: DDSketch, by Masson, Rim and Lee
// (https://www.vldb.org/pvldb/vol12/p2195-masson.pdf). Such sketches are merged by adding up bins.
//
// The only error is an accuracy out of range.
var bins, _ = mapping.NewLogarithmicMapping(accuracy)

// Bin returns the name of the amount that counts a time. Clocks of two processes may make it
// negative; it counts as a millisecond.
func Bin(d time.Duration) string {
	return strconv.Itoa(bins.Index(float64(max(d.Milliseconds(), 1))))
}

// Quantile returns a quantile, such as 0.99, of the times that were counted by Bin, and their
// number.
func Quantile(counts Amounts, q float64) (t time.Duration, n int64, err error) {
	sketch := ddsketch.NewDDSketch(bins, store.NewSparseStore(), store.NewSparseStore())
	for bin, count := range counts {
		index, err := strconv.Atoi(bin)
		if err != nil {
			return 0, 0, fault.New(fault.Internal, "BadSketch", "%q is not a bin", bin).Because(err)
		}
		if err := sketch.AddWithCount(bins.Value(index), float64(count)); err != nil {
			return 0, 0, fmt.Errorf("bin %s: %w", bin, err)
		}
		n += count
	}
	if n == 0 {
		return 0, 0, nil
	}
	ms, err := sketch.GetValueAtQuantile(q)
	return time.Duration(ms * float64(time.Millisecond)), n, err
}
