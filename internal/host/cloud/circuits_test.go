package cloud_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/host/cloud"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/storesuite"
)

// remote has the circuits over the wire, and the outbox where they are kept.
type remote struct {
	*memdb.Log
	circuits repair.ProcessCircuits
}

func (r remote) Circuit(ctx context.Context, dependency string) (resilience.Circuit, error) {
	return r.circuits.Circuit(ctx, dependency)
}

func (r remote) SaveCircuit(ctx context.Context, dependency string, c resilience.Circuit, with commit.With) error {
	return r.circuits.SaveCircuit(ctx, dependency, c, with)
}

func over(t *testing.T, log resilience.CircuitLog, service string) repair.ProcessCircuits {
	t.Helper()
	server := httptest.NewServer(&cloud.Cloud{Key: "key", Circuits: map[string]resilience.CircuitLog{"payments": log}})
	t.Cleanup(server.Close)
	return repair.ProcessCircuits{Service: service, API: awsapi.Client{Config: aws.Config{
		Region: cloud.Region, BaseEndpoint: aws.String(server.URL + "/aws"),
		Credentials: credentials.NewStaticCredentialsProvider("key", "any", ""),
	}}}
}

func TestOperatorsCallsKeepCircuitsAsTheirLogDoes(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (storesuite.CircuitStore, storesuite.Newer) {
		log := memdb.NewLog(c)
		return remote{log, over(t, log, "payments")}, memdb.Newer{Log: log}
	}
	storesuite.RunCases(t, open, storesuite.Circuits)
}

func TestAServiceWithoutCircuitsIsNamed(t *testing.T) {
	_, err := over(t, memdb.NewLog(clock.System{}), "billing").Circuit(t.Context(), "bank")
	if !awsapi.Failed(err, "ResourceNotFoundException") {
		t.Error(err)
	}
}
