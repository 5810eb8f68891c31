package registry_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/registry"
)

// One of two endpoints fails: after three calls it is ejected.
func ExampleBalancer() {
	cache := registry.NewCache(registry.Fixed{"payment-provider": "https://a.example,https://b.example"}, clock.System{})
	balancer := registry.NewBalancer(cache, clock.System{}, rand.New(rand.NewPCG(1, 1)).IntN)
	calls := map[string]int{}
	for range 100 {
		base, done, err := balancer.Pick(context.Background(), "payment-provider")
		if err != nil {
			fmt.Println(err)
			return
		}
		calls[base]++
		done(base == "https://a.example") // had it been called, it would not have answered
	}
	fmt.Println(calls)
	// Output: map[https://a.example:3 https://b.example:97]
}
