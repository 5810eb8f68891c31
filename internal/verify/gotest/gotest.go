// Package gotest reads the output of `go test -json`.
package gotest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// An Event is one line, about a package or, if Test is not empty, about a test or subtest
// (Test/Part). Action is run, output, pass, fail, skip and others; Output is a piece of output.
type Event struct{ Action, Package, Test, Output string }

// Ended reports whether something has passed, failed or was skipped.
func (e Event) Ended() bool { return e.Action == "pass" || e.Action == "fail" || e.Action == "skip" }

// Whole reports whether it is about a test, not a package or a subtest.
func (e Event) Whole() bool { return e.Test != "" && !strings.Contains(e.Test, "/") }

// Read calls each with every event, and writes the plain output to text, including lines that are
// not events (the compiler's, make's).
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
