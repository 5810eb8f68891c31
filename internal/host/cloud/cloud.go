// Package cloud answers the calls of AWS that operators' tools and the functions' audit make. It
// covers what they use of Step Functions, SQS, Lambda, Systems Manager, Secrets Manager, CloudWatch
// Logs and STS, so the same tools work for a process and for a deployment on AWS.
package cloud

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/records"
	"orderflow/internal/orders"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/workflow"
)

// Region and Account are in the ARNs of this process.
const (
	Region  = "local-1"
	Account = "000000000000"
)

// Cloud is the API; see http.Handler.
type Cloud struct {
	// Stack is the prefix of all names.
	Stack string
	// Key is the id of the access key that calls must be signed with. It must be kept secret, since
	// signatures are not verified. If it is empty, no call is answered.
	Key      string
	Engine   *workflow.Engine
	Delivery *delivery.Delivery
	Invoke   Invoke
	// Log is what functions have logged. It may be nil.
	Log *Lines
	// Records has operators' actions.
	Records records.Store
	// Relays are the functions that publish what services write to their outboxes.
	Relays []string
	// Circuits are keyed by service.
	Circuits map[string]resilience.CircuitLog
	// Intake has the switch for new orders.
	Intake orders.IntakeStore
	// Secrets are keyed by name.
	Secrets map[string]func(context.Context) ([]byte, error)
	Clock   clock.Clock

	Parameters Parameters

	hidden hidden
}

// refusal is an error of AWS.
type refusal struct {
	Code    string `json:"__type"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(code, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

var errUnreadable = refuse("SerializationException", "the body cannot be read")

func unavailable(what string) error {
	return refuse("UnknownOperationException", "%s is not available in this process", what)
}

// maxCall bounds a request's body.
const maxCall = 1 << 20

// ServeHTTP answers a call.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var out any
	err := c.authorize(r.Header.Get("Authorization"))
	switch path := strings.TrimPrefix(r.URL.Path, "/aws"); {
	case err != nil:
	case strings.HasPrefix(path, functions):
		c.invoke(w, r, path)
		return
	case path == sources:
		c.sources(w)
		return
	}
	if err == nil {
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall)); err != nil {
			err = errUnreadable
		}
	}
	switch {
	case err != nil:
	case r.Header.Get("X-Amz-Target") == "":
		w.Header().Set("Content-Type", "text/xml")
		_, _ = fmt.Fprintf(w, identity, Account)
		return
	default:
		service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		out, err = c.call(r, service, operation, body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		known := &refusal{Code: "InternalFailure", Message: err.Error()}
		_ = errors.As(err, &known)
		w.WriteHeader(http.StatusBadRequest)
		out = known
	}
	_ = json.NewEncoder(w).Encode(out)
}

// identity is the answer of STS, the only service that is called in AWS's query protocol.
const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult>` +
	`<Arn>arn:aws:iam::%[1]s:root</Arn><UserId>%[1]s</UserId><Account>%[1]s</Account>` +
	`</GetCallerIdentityResult></GetCallerIdentityResponse>`

// authorize refuses a call that does not name the key.
func (c *Cloud) authorize(authorization string) error {
	_, rest, _ := strings.Cut(authorization, "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	if !c.Knows(key) {
		return refuse("AccessDeniedException", "the call is not signed with this process's key, which is in stack.json")
	}
	return nil
}

// Knows reports whether a key is that of this process.
func (c *Cloud) Knows(key string) bool {
	return c.Key != "" && subtle.ConstantTimeCompare([]byte(key), []byte(c.Key)) == 1
}

func (c *Cloud) call(r *http.Request, service, operation string, body []byte) (any, error) {
	switch service {
	case "AWSStepFunctions":
		return c.states(r, operation, body)
	case "AmazonSQS":
		return c.queues(r.Context(), operation, body)
	case "AmazonSSM":
		return c.Parameters.call(operation, body)
	case "secretsmanager":
		return c.secrets(r.Context(), operation, body)
	case storesTarget:
		return c.stores(r.Context(), operation, body)
	case "Logs_20140328":
		return c.logs(r.Context(), operation, body)
	}
	return nil, unavailable(service)
}

// MachineARN returns the ARN of a state machine of a stack.
func MachineARN(stack, machine string) string {
	return "arn:aws:states:" + Region + ":" + Account + ":stateMachine:" + stack + "-" + machine
}
