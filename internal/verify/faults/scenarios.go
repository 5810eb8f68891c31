package faults

import (
	"cmp"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// Scenario is a fault and the expected behaviour.
type Scenario struct {
	Name  string
	Fault faultserver.Fault
	Names nameFault // in a scenario without Fault
	TLS   bool      // the provider uses HTTPS

	// Want and Kind are of the error that a caller gets while the circuit is closed; "": none.
	Want     string
	Kind     fault.Kind
	Attempts int  // requests of a call while the circuit is closed
	Opens    bool // the circuit opens
	Load     int  // concurrent calls to the broken dependency in Measure, in a tenth of a second
}

// Scenarios returns all scenarios.
func Scenarios() []Scenario {
	s := []Scenario{
		transient("connection refused", faultserver.Down),
		transient("half-open connections", faultserver.Silent),
		transient("no answer", faultserver.Hang),
		transient("latency beyond the timeout", faultserver.Latency(3*attempt)),
		transient("reset", faultserver.Reset),
		transient("truncated body", faultserver.Truncated),
		transient("oversized body", faultserver.Oversized),
		heavy(transient("oversized body, unknown length", faultserver.Endless)),
		transient("slow body, byte by byte", faultserver.SlowBody(attempt/10)),
		transient("garbage instead of HTTP", faultserver.Garbage),
		transient("not JSON", faultserver.NotJSON),
		transient("500 storm", faultserver.Status(500, 0)),
		transient("429, Retry-After does not fit", faultserver.Status(429, 2*time.Second)),
		overTLS("expired certificate", faultserver.Expired),
		overTLS("self-signed certificate", faultserver.SelfSigned),
		overTLS("plain HTTP on the TLS port", faultserver.PlainHTTP),
		overTLS("TLS handshake never answered", faultserver.Silent),
		unnamed("name does not exist", nameUnknown),
		unnamed("name server fails", nameRefused),
		unnamed("name server never answers", nameSilent),
		{Name: "redirect", Fault: faultserver.Redirect(elsewhere), Want: "PaymentProviderRefused", Kind: fault.Internal,
			Attempts: 1},
		{Name: "latency within the timeout", Fault: faultserver.Latency(attempt / 4), Attempts: 1},
	}
	for i := range s {
		if s[i].Fault.Name == "429" {
			s[i].Attempts = 1 // the caller waits
		}
		s[i].Load = cmp.Or(s[i].Load, troubled)
	}
	return s
}

// transient is a temporary fault: retried until the circuit opens.
func transient(name string, f faultserver.Fault) Scenario {
	return Scenario{Name: name, Fault: f, Want: "DependencyUnavailable", Kind: fault.Transient,
		Attempts: resilience.DefaultPolicy.Attempts, Opens: true}
}

// heavy limits the load of a fault with megabytes per call, which would measure the machine
// instead.
func heavy(s Scenario) Scenario {
	s.Load = troubled / 5
	return s
}

func overTLS(name string, f faultserver.Fault) Scenario {
	s := transient(name, f)
	s.TLS = true
	return s
}

func unnamed(name string, f nameFault) Scenario {
	s := transient(name, faultserver.None)
	s.Names = f
	return s
}
