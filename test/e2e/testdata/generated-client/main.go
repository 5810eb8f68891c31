// Command generated-client places an order and reads it until it is final, by the client that
// oapi-codegen generated beside it from the contract of a running stack.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	authorize := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("ORDERFLOW_TOKEN"))
		return nil
	}
	api, err := NewClientWithResponses(os.Getenv("ORDERFLOW_API"), WithRequestEditorFn(authorize))
	if err != nil {
		return err
	}
	var order OrderRequest
	if err := json.Unmarshal([]byte(os.Getenv("ORDERFLOW_ORDER")), &order); err != nil {
		return err
	}
	key := os.Getenv("ORDERFLOW_KEY")
	placed, err := api.PlaceOrderWithResponse(ctx, &PlaceOrderParams{IdempotencyKey: &key}, order)
	if err != nil {
		return err
	}
	if placed.JSON202 == nil {
		return fmt.Errorf("placeOrder: %s %s", placed.Status(), placed.Body)
	}
	for ; ; time.Sleep(200 * time.Millisecond) {
		read, err := api.GetOrderWithResponse(ctx, placed.JSON202.OrderId, &GetOrderParams{})
		if err != nil {
			return err
		}
		if read.JSON200 == nil {
			return fmt.Errorf("getOrder: %s %s", read.Status(), read.Body)
		}
		if read.JSON200.Status != "PENDING" {
			return json.NewEncoder(os.Stdout).Encode(read.JSON200)
		}
	}
}
