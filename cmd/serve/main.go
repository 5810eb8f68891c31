// Command serve serves the whole core in one process; `serve -help` shows its flags.
package main

import (
	"orderflow/internal/host"
	"orderflow/internal/platform/process"
)

func main() { process.Main(host.Main) }
