package gotest

import (
	"strings"
	"testing"
)

func TestEventsAndPlainTextAreSeparated(t *testing.T) {
	in := `make: Entering directory
{"Action":"run","Package":"p","Test":"TestX"}
{"Action":"output","Package":"p","Test":"TestX","Output":"x is 2\n"}
{not an event}
{"Action":"fail","Package":"p","Test":"TestX/part"}
{"Action":"fail","Package":"p","Test":"TestX"}
{"Action":"run","Package":"p","Test":"TestY"}
{"Action":"output","Package":"p","Test":"TestY","Output":"it ends with the process\n"}
{"Action":"fail","Package":"p"}
make: Error 1`
	var text strings.Builder
	results, err := Read(strings.NewReader(in), &text)
	if err != nil {
		t.Fatal(err)
	}
	var whole, all []string
	for _, r := range results {
		all = append(all, r.Test+" "+r.Action)
		if r.Whole() {
			whole = append(whole, r.Test)
		}
	}
	if results[0].Output != "x is 2\n" {
		t.Errorf("output %q", results[0].Output)
	}
	const want = "make: Entering directory\nx is 2\n{not an event}\nit ends with the process\nmake: Error 1"
	if got := text.String(); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if strings.Join(all, ",") != "TestX fail,TestX/part fail,TestY run, fail" ||
		strings.Join(whole, ",") != "TestX,TestY" {
		t.Errorf("results %q, of these whole tests %q", all, whole)
	}
}
