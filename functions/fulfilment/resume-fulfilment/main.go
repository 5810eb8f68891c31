// Command resume-fulfilment hands the carrier's answer to the saga that waits for it.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "resume-fulfilment", handler.ResumeFulfilment) }
