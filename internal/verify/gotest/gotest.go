// Package gotest reads the output of `go test -json`.
package gotest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// A Result is about a package or, if Test is not empty, about a test or a subtest (Test/Part).
type Result struct {
	Package, Test string
	Action        string // pass, fail or skip; another one if it has not ended
	Output        string
}

// Whole reports whether it is about a test, not a package or a subtest.
func (r Result) Whole() bool { return r.Test != "" && !strings.Contains(r.Test, "/") }

// Read returns the results in the order of their first events, and writes the plain output to text,
// including lines that are not events (the compiler's, make's).
func Read(in io.Reader, text io.Writer) (results []Result, err error) {
	known := map[[2]string]int{}
	lines := bufio.NewReader(in)
	for {
		line, end := lines.ReadString('\n')
		var event Result
		output := line
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &event) == nil {
			output = event.Output
			name := [2]string{event.Package, event.Test}
			i, ok := known[name]
			if !ok {
				i = len(results)
				known[name], results = i, append(results, Result{Package: event.Package, Test: event.Test})
			}
			results[i].Output += event.Output
			if event.Action != "output" {
				results[i].Action = event.Action
			}
		}
		if _, err := io.WriteString(text, output); err != nil {
			return results, err
		}
		if errors.Is(end, io.EOF) {
			return results, nil
		}
		if end != nil {
			return results, end
		}
	}
}

// Tail returns the last n lines of what was printed.
func Tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
