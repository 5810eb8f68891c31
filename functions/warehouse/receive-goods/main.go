// Command receive-goods handles the warehouse's messages from RabbitMQ.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse/handler"
)

func main() { function.Start("warehouse", "receive-goods", handler.ReceiveGoods) }
