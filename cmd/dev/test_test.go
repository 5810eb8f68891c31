package main

import (
	"bytes"
	"sync"
	"testing"
)

func TestOnlyWholeLinesArePassedOn(t *testing.T) {
	var out bytes.Buffer
	var one sync.Mutex
	a, b := &lines{to: &out, one: &one}, &lines{to: &out, one: &one}
	for _, write := range []struct {
		to   *lines
		text string
	}{{a, "a1"}, {b, "b1\nb2"}, {a, "\na2\na3"}, {b, "\n"}, {a, "\n"}} {
		if n, err := write.to.Write([]byte(write.text)); n != len(write.text) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got := out.String(); got != "b1\na1\na2\nb2\na3\n" {
		t.Errorf("got %q", got)
	}
}
