package handler

import (
	"context"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/rabbitmq/source"
	"orderflow/internal/warehouse"
)

// ReceiveGoods builds the function receive-goods.
func ReceiveGoods(env *function.Env) function.Handler { return receiveGoods(service(env, nil, nil)) }

func receiveGoods(svc *warehouse.Service) function.Handler {
	return source.Messages(func(ctx context.Context, m source.Message) error {
		parked, err := svc.Receive(ctx, warehouse.Message(m))
		if parked && err == nil {
			metrics.Count(ctx, metrics.ParkedMessages, 1)
		}
		return err
	})
}
