// Command send-pick-job tells the warehouse what to pick, by RabbitMQ.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse/handler"
)

func main() { function.Start("warehouse", "send-pick-job", handler.SendPickJob) }
