// Package gotest reads what `go test -json` says.
package gotest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// An Event is one line: of a package, or of a test in it (Test is not empty), whose parts are called Test/Part. Action is run, output,
// pass, fail, skip and some more; Output is a piece of what was printed.
type Event struct{ Action, Package, Test, Output string }

// Ended tells whether something has passed, failed or was skipped.
func (e Event) Ended() bool { return e.Action == "pass" || e.Action == "fail" || e.Action == "skip" }

// Whole tells whether it is about a test, and not a package or a part of a test.
func (e Event) Whole() bool { return e.Test != "" && !strings.Contains(e.Test, "/") }

// Read calls each with every event, and writes to text what `go test` would print without -json, also lines that are no events (the
// compiler's, make's). The error is of reading or writing.
func Read(in io.Reader, text io.Writer, each func(Event)) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e Event
		said := line
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
			said = e.Output
			each(e)
		}
		if _, err := io.WriteString(text, said); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Tail returns the last n lines of what was printed.
func Tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
