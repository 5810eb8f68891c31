package sim

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// personal is what customers of the simulation tell of themselves and their money, by parts that stand nowhere else.
var personal = []string{"@example.com", "pm_card", "sandbox_timeout", "sandbox_flaky", "sandbox_error", "Ada Planted", "Planted Street", "Plantedville"}

// TestNothingPersonalIsLoggedWhateverGoesWrong looks at what all functions log, debug lines included, while everything around them
// fails. The logger is one without redaction: that is a net, and nothing may fall into it.
func TestNothingPersonalIsLoggedWhateverGoesWrong(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	d := load(t, Mutant{})
	for seed := range uint64(3) {
		if _, _, err := Run(seed+1, short, d, Mutant{}); err != nil {
			t.Fatal(err)
		}
	}
	log := out.String()
	for _, p := range personal {
		if i := strings.Index(log, p); i >= 0 {
			line := log[strings.LastIndexByte(log[:i], '\n')+1:]
			t.Errorf("%q is logged: %s", p, line[:strings.IndexByte(line, '\n')])
		}
	}
	for _, msg := range []string{"step begins", "event received", "barrier: the step is not run again", "event not handled", "request failed"} {
		if !strings.Contains(log, `"msg":"`+msg+`"`) {
			t.Errorf("no line says %q, so too little was looked at", msg)
		}
	}
}
