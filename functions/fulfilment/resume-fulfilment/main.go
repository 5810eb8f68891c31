// Command resume-fulfilment passes the carrier's answer to the waiting saga.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "resume-fulfilment", handler.ResumeFulfilment) }
