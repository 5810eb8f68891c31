package sim

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// personal lists parts of the personal and payment data of simulated customers.
var personal = []string{
	"@example.com", "pm_card", "sandbox_timeout", "sandbox_flaky", "sandbox_error",
	"Ada Planted", "Planted Street", "Plantedville",
}

// The test checks what all functions log, including debug lines, while everything fails around
// them. The logger has no redaction: that is only a safety net.
func TestNothingPersonalIsLoggedWhateverGoesWrong(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	d := load(t, Mutant{})
	for seed := range uint64(3) {
		Run(seed+1, short, d, Mutant{})
	}
	log := out.String()
	for _, p := range personal {
		if i := strings.Index(log, p); i >= 0 {
			line := log[strings.LastIndexByte(log[:i], '\n')+1:]
			t.Errorf("%q is logged: %s", p, line[:strings.IndexByte(line, '\n')])
		}
	}
	for _, msg := range []string{
		"step begins", "event received", "barrier: duplicate step not run", "event not handled", "request failed",
	} {
		if !strings.Contains(log, `"msg":"`+msg+`"`) {
			t.Errorf("no line says %q: the run logged too little", msg)
		}
	}
}
