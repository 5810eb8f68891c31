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
{"Action":"fail","Package":"p"}
make: Error 1`
	var text strings.Builder
	var whole, ended []string
	if err := Read(strings.NewReader(in), &text, func(e Event) {
		if e.Ended() {
			ended = append(ended, e.Test)
		}
		if e.Ended() && e.Whole() {
			whole = append(whole, e.Test)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := text.String(), "make: Entering directory\nx is 2\n{not an event}\nmake: Error 1"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if strings.Join(ended, ",") != "TestX/part,TestX," || strings.Join(whole, ",") != "TestX" {
		t.Errorf("ended %q, of these whole tests %q", ended, whole)
	}
}
