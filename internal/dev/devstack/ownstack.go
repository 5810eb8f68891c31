package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"orderflow/internal/dev/template"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
)

// core is the name of the core's CloudFormation stack, with which others find its resources.
const core = "orderflow"

// own locates a stack next to the core's: that of a service with a stack of its own, or the
// sandbox's.
func own(service string) (stack, template string) {
	if service == "sandbox" {
		return cfnStacks[1].name, cfnStacks[1].template
	}
	return core + "-" + service, "stacks/" + service + "/template.yaml"
}

// DeployStack deploys the stack of a service with a stack of its own, such as reporting, or the
// sandbox's again with more parameters, and returns its outputs. Parameters, such as Name=value,
// are added to the core's. It skips what is already done.
func (s *Stack) DeployStack(
	ctx context.Context, rep *Reporter, service string, parameters ...string,
) (map[string]string, error) {
	stack, file := own(service)
	if err := template.Check(string(s.repo)); err != nil {
		return nil, err
	}
	all, err := s.coreParameters(ctx)
	if err != nil {
		return nil, err
	}
	all = append(append([]string{"Core=" + core}, all...), parameters...)
	inputs := []string{filepath.Dir(file), "statemachines", "tools/sam.txt", ".build/functions"}
	fingerprint, err := s.repo.fingerprint(inputs, all)
	if err != nil {
		return nil, err
	}
	want := deployment{Emulator: s.Emulator.Process, Fingerprint: fingerprint}
	record := s.deploymentOf(service)
	if readDeployment(record) == want {
		rep.Printf("  ✓ %s is already deployed, nothing has changed\n", stack)
	} else {
		err = rep.Do("deploy "+stack, func() error { return s.samDeploy(ctx, stack, file, all) })
	}
	if err != nil {
		return nil, err
	}
	described, err := s.describe(ctx, stack)
	if err != nil {
		return nil, err
	}
	outputs := described.outputs()
	if id := outputs[casing.Camel(service)+"ApiId"]; id != "" {
		if err := s.completeAPI(ctx, id, file, filepath.Join(filepath.Dir(file), "openapi.yaml")); err != nil {
			return nil, err
		}
	}
	return outputs, save(record, want)
}

// coreParameters are the parameters with which the core is deployed, sorted.
func (s *Stack) coreParameters(ctx context.Context) (all []string, err error) {
	existing, err := s.describe(ctx, core)
	for name, value := range existing.parameters() {
		if value != "" { // SAM refuses an empty one, which is the default of each of these
			all = append(all, name+"="+value)
		}
	}
	slices.Sort(all)
	return all, err
}

// StackParameters are the parameters with which services with stacks of their own are deployed, by
// service.
func (s *Stack) StackParameters(ctx context.Context) (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for _, service := range s.repo.OwnStacks() {
		stack, _ := own(service)
		described, err := s.describe(ctx, stack)
		if err != nil {
			return nil, err
		}
		all[service] = described.parameters()
	}
	return all, nil
}

// DeleteStack deletes the stack of a service with a stack of its own, and waits until it is gone.
func (s *Stack) DeleteStack(ctx context.Context, rep *Reporter, service string) error {
	stack, _ := own(service)
	return rep.Do("delete "+stack, func() error {
		err := errors.Join(s.cloudFormation(ctx, "DeleteStack", stack, nil), os.RemoveAll(s.deploymentOf(service)))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		for {
			switch described, err := s.describe(ctx, stack); {
			case awsapi.Failed(err, "ValidationError"), described.StackStatus == "DELETE_COMPLETE":
				return nil
			case err != nil:
				return err
			case strings.HasSuffix(described.StackStatus, "_FAILED"):
				return fmt.Errorf("%s: %s", described.StackStatus, described.StackStatusReason)
			}
			if err := clock.Sleep(ctx, 100*time.Millisecond); err != nil {
				return fmt.Errorf("%s is not deleted: %w", stack, err)
			}
		}
	})
}

// deploymentOf is the file that records the last deployment of a stack next to the core's.
func (s *Stack) deploymentOf(service string) string {
	return filepath.Join(s.dir, "deployment", service+".json")
}
