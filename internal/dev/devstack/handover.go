package devstack

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// EventsBy says who handles the events of a stack and executes its sagas; see template.yaml.
type EventsBy string

// Values of EventsBy.
const (
	ByFunctions EventsBy = "functions"
	Draining    EventsBy = "draining"
	ByProcess   EventsBy = "process"
)

// eventsBy is the prefix of the parameter.
const eventsBy = "EventsBy="

// HandOver deploys the core again with another value of EventsBy. The next Start deploys it with
// ByFunctions, unless HandOver has.
func (s *Stack) HandOver(ctx context.Context, to EventsBy) error {
	parameters, err := s.coreParameters(ctx)
	if err != nil {
		return err
	}
	parameters = slices.DeleteFunc(parameters, func(p string) bool { return strings.HasPrefix(p, eventsBy) })
	record := readDeployment(deploymentFile(s.dir))
	if record.Fingerprint != "" {
		record.Home, record.Fingerprint = record.Fingerprint, ""
	}
	if err := save(deploymentFile(s.dir), record); err != nil {
		return err
	}
	if err := s.samDeploy(ctx, core, cfnStacks[0].template, append(parameters, eventsBy+string(to))); err != nil {
		return err
	}
	if err := s.complete(ctx); err != nil || to != ByFunctions {
		return err
	}
	record.Fingerprint, record.Home = record.Home, ""
	return save(deploymentFile(s.dir), record)
}

// BuildServe builds the program for ServeTables. It fails if it cannot use this stack's tables.
func (s *Stack) BuildServe(ctx context.Context) error {
	if s.Outputs["UserPoolId"] == "" {
		return fmt.Errorf("this stack on %s has no user pool, whose tokens the process accepts: "+
			"`make down`, then `make up`", s.Emulator.Target)
	}
	return s.repo.buildServe(ctx)
}

// ServeTables runs the core as one process (cmd/serve) with the tables of the stack and more flags.
// It accepts the tokens of the stack and calls the stack's third parties.
func (s *Stack) ServeTables(ctx context.Context, flags ...string) (*Server, error) {
	pool, sandbox := s.Outputs["UserPoolId"], s.Outputs["SandboxUrl"]
	server, _, err := Serve(ctx, s.dir, Program{
		Name: serveName,
		Argv: func(port int) []string {
			return append([]string{s.repo.serve(), "-dir", filepath.Join(s.dir, serveName),
				"-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "-store", "dynamodb", "-create-tables",
				"-token-issuer", "https://cognito-idp." + Region + ".amazonaws.com/" + pool,
				"-token-audience", s.Outputs["UserPoolClientId"],
				"-token-keys", s.Emulator.URL + "/" + pool + "/.well-known/jwks.json",
				"-third-parties", "payment-provider=" + sandbox + ",carrier=" + sandbox,
				"-tracking-url", trackingURL, "-sender", Sender}, flags...)
		},
		Ready: live,
		Env:   environ(s.Emulator.Environ()...),
		Limit: startLimit,
	})
	return server, err
}
