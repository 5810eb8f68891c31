package registry

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/ids"
)

// emulator returns the configuration for the emulator that `make test` starts, and a stage of this
// test's own.
func emulator(t *testing.T) (aws.Config, string) {
	t.Helper()
	return ddbtest.Config(t), ids.Random(clock.System{}).New()
}

func must(t *testing.T, a awsjson.Client, operation string, in, out any) {
	t.Helper()
	var nothing *json.SyntaxError // is what some operations answer
	if err := a.Call(t.Context(), operation, in, out); err != nil && !errors.As(err, &nothing) {
		t.Fatalf("%s: %v", operation, err)
	}
}

func TestParametersInTheEmulator(t *testing.T) {
	cfg, stage := emulator(t)
	r := NewParameters(cfg, stage, clock.System{})
	put := map[string]any{
		"Name": "/orderflow/" + stage + "/services/orders", "Value": "https://a/,https://b", "Type": "StringList",
	}
	must(t, r.api, "PutParameter", put, &struct{}{})
	got, err := r.Resolve(t.Context(), "orders")
	if err != nil || !slices.Equal(got, []string{"https://a", "https://b"}) {
		t.Errorf("Resolve = %q, %v", got, err)
	}
	if got, err := r.Resolve(t.Context(), "payments"); err == nil {
		t.Errorf("a service without a parameter is at %q", got)
	}
}

func TestInvalidAddressParameterInTheEmulator(t *testing.T) {
	cfg, stage := emulator(t)
	name := "/orderflow/" + stage + "/token-keys"
	read := Parameter(cfg, name, clock.System{})
	if got, err := read(t.Context()); err == nil {
		t.Errorf("a parameter that is not there is %q", got)
	}
	put := map[string]any{"Name": name, "Value": `{"keys":[]}`, "Type": "String"}
	must(t, awsjson.New(cfg, clock.System{}, "ssm", "ssm", "AmazonSSM"), "PutParameter", put, &struct{}{})
	if got, err := read(t.Context()); err != nil || got != `{"keys":[]}` {
		t.Errorf("read = %q, %v", got, err)
	}
}

func TestCloudMapInTheEmulator(t *testing.T) {
	cfg, stage := emulator(t)
	r := NewCloudMap(cfg, stage, clock.System{})
	if got, err := r.Resolve(t.Context(), "orders"); err == nil {
		t.Errorf("a service without a namespace is at %q", got)
	}
	r.register(t, "orderflow-"+stage, ours, "orders", "https://b/", "https://a")
	r.register(t, "orderflow-"+stage+"-partners", "carrier", Attribute, "https://c")
	for name, want := range map[string][]string{"orders": {"https://a", "https://b"}, "carrier": {"https://c"}} {
		if got, err := r.Resolve(t.Context(), name); err != nil || !slices.Equal(got, want) {
			t.Errorf("Resolve(%s) = %q, %v; want %q", name, got, err, want)
		}
	}
	if got, err := r.Resolve(t.Context(), "payments"); err == nil {
		t.Errorf("a service that is in no namespace is at %q", got)
	}
}

func TestEndpointThatAnOperatorMarksUnhealthyInCloudMapIsNotUsed(t *testing.T) {
	cfg, stage := emulator(t)
	r := NewCloudMap(cfg, stage, clock.System{})
	service := r.register(t, "orderflow-"+stage, ours, "orders", "https://a", "https://b")
	sick := map[string]any{"ServiceId": service, "InstanceId": "0", "Status": "UNHEALTHY"}
	must(t, r.api, "UpdateInstanceCustomHealthStatus", sick, &struct{}{})
	if got, err := r.Resolve(t.Context(), "orders"); err != nil || !slices.Equal(got, []string{"https://b"}) {
		t.Errorf("Resolve = %q, %v; want https://b alone", got, err)
	}
}

// register makes a namespace with one service whose instances have urls in an attribute, as the
// template does, and returns the service's id.
func (m *CloudMap) register(t *testing.T, namespace, name, attribute string, urls ...string) string {
	t.Helper()
	must(t, m.api, "CreateHttpNamespace", map[string]any{"Name": namespace, "CreatorRequestId": namespace}, &struct{}{})
	var list struct{ Namespaces []struct{ ID, Name string } }
	must(t, m.api, "ListNamespaces", map[string]any{"MaxResults": 100}, &list)
	var made struct{ Service struct{ ID string } }
	for _, n := range list.Namespaces {
		if n.Name == namespace {
			must(t, m.api, "CreateService", map[string]any{
				"Name": name, "NamespaceId": n.ID, "CreatorRequestId": namespace + name,
				"HealthCheckCustomConfig": map[string]any{"FailureThreshold": 1},
			}, &made)
		}
	}
	for i, url := range urls {
		must(t, m.api, "RegisterInstance", map[string]any{
			"ServiceId": made.Service.ID, "InstanceId": string(rune('0' + i)),
			"CreatorRequestId": name + url, "Attributes": map[string]string{attribute: url},
		}, &struct{}{})
	}
	return made.Service.ID
}
