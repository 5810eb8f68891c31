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
	"orderflow/internal/orders"
	"orderflow/internal/orders/memory"
	"orderflow/internal/orders/storetest"
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

// over returns a process with stores in another one.
func over(t *testing.T, c *cloud.Cloud) repair.Process {
	t.Helper()
	c.Key = "key"
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return repair.Process{API: awsapi.Client{Config: aws.Config{
		Region: cloud.Region, BaseEndpoint: aws.String(server.URL + "/aws"),
		Credentials: credentials.NewStaticCredentialsProvider("key", "any", ""),
	}}}
}

func circuitsOver(t *testing.T, log resilience.CircuitLog, service string) repair.ProcessCircuits {
	t.Helper()
	return repair.ProcessCircuits{Service: service,
		Process: over(t, &cloud.Cloud{Circuits: map[string]resilience.CircuitLog{"payments": log}})}
}

func TestOperatorsCallsKeepCircuitsAsTheirLogDoes(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (storesuite.CircuitStore, storesuite.Newer) {
		log := memdb.NewLog(c)
		return remote{log, circuitsOver(t, log, "payments")}, memdb.Newer{Log: log}
	}
	storesuite.RunCases(t, open, storesuite.Circuits)
}

// switched has the intake over the wire, and everything else where it is kept.
type switched struct {
	*memory.Store
	process repair.Process
}

func (s switched) Intake(ctx context.Context) (orders.Intake, error) { return s.process.Intake(ctx) }

func (s switched) SaveIntake(ctx context.Context, i orders.Intake) error {
	return s.process.SaveIntake(ctx, i)
}

func TestOperatorsCallsKeepTheIntakeAsItsStoreDoes(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (orders.Store, storesuite.Newer) {
		s := memory.New(c)
		return switched{s, over(t, &cloud.Cloud{Intake: s})}, memdb.Newer{Log: s.Log}
	}
	storesuite.RunCases(t, open, storetest.Intake)
}

func TestAServiceWithoutCircuitsIsNamed(t *testing.T) {
	_, err := circuitsOver(t, memdb.NewLog(clock.System{}), "billing").Circuit(t.Context(), "bank")
	if !awsapi.Failed(err, "ResourceNotFoundException") {
		t.Error(err)
	}
}
