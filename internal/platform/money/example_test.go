package money_test

import (
	"fmt"
	"math"

	"orderflow/internal/platform/money"
)

// A total is the sum of prices times quantities.
func Example() {
	price, _ := money.Of("EUR", 1999)
	line, _ := price.Times(3)
	postage, _ := money.Of("EUR", 490)
	total, err := line.Add(postage)
	fmt.Println(total, err)

	_, err = price.Times(math.MaxInt64)
	fmt.Println(err)
	// Output:
	// 64.87 EUR <nil>
	// AmountOutOfRange: the amount is out of range
}
