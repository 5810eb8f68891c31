package main

import (
	"bytes"
	"os"
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

func TestPackagesRunInTheirTurns(t *testing.T) {
	for n, dirs := range first {
		for _, dir := range dirs {
			if _, err := os.Stat("../../" + dir); err != nil {
				t.Errorf("turn %d: %v", n, err)
			}
			if got := turn("orderflow/" + dir + "/part"); got != n {
				t.Errorf("a part of %s runs in turn %d, want %d", dir, got, n)
			}
		}
	}
	if got := turn("orderflow/internal/orders"); got != len(first) {
		t.Errorf("others run in turn %d, want the last, %d", got, len(first))
	}
}
