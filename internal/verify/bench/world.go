package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/internal/verify/tables"
)

// stackName is the name of the evaluated stacks.
const stackName = "bench"

// World is the core in one process, as template.yaml deploys it, on a small AWS that counts what
// each function causes. Functions are built as by their mains and call it with the SDK. Nothing
// fails, and everything happens in sequence, so counts are the same in each run.
type World struct {
	*tables.Server
	ctx       context.Context // of all that happens
	clock     *clock.Manual
	ids       *ids.Sequence
	functions map[string]*deployed
	machines  map[string]*asl.Machine
	express   map[string]bool       // by machine
	waiting   map[string]*execution // by task token
	started   map[string]*execution // by ARN
	streams   map[string][]source   // by table
	queues    map[string]source     // by ARN
	topics    map[string][]subscription
	schedules []scheduled
	tasks     []func() error
	outside   []func() error
	pending   map[string][]json.RawMessage // records for a function that waits for its turn
	running   []string
	failed    []error // of calls that this AWS does not know
	counts    Counts
	aws       *httptest.Server
	shipping  *httptest.Server // the API, as the carrier sees it
	*parties
}

// deployed is a function.
type deployed struct {
	name, service string
	memory        int // MB
	handler       function.Handler
	log           *bytes.Buffer
	logs          map[string]any // its LoggingConfig
	logger        *slog.Logger
}

// source is an event source of a function: a table's stream or a queue.
type source struct {
	function string
	queue    bool
	batch    int
	filters  []any
}

type subscription struct {
	queue string
	types []string
}

type scheduled struct {
	function string
	every    time.Duration
	input    string
}

// NewWorld deploys the core. The caller must close it.
func NewWorld(ctx context.Context, repo devstack.Repo) (*World, error) {
	stack, err := cfn.Load(repo.Path("template.yaml"), stackName, nil)
	if err != nil {
		return nil, err
	}
	w := &World{
		Server: tables.New(schemas(stack)...), ctx: ctx,
		clock: clock.At(time.Date(2026, 1, 5, 9, 0, 0, 123456789, time.UTC)),
		ids:   &ids.Sequence{}, functions: map[string]*deployed{},
		machines: map[string]*asl.Machine{}, express: map[string]bool{},
		waiting: map[string]*execution{}, started: map[string]*execution{},
		streams: map[string][]source{}, queues: map[string]source{}, topics: map[string][]subscription{},
		pending: map[string][]json.RawMessage{}, counts: Counts{},
	}
	w.Used, w.Changed = w.used, w.changed
	w.openHosts()
	if err := errors.Join(w.readMachines(repo, stack), w.readSources(stack), w.deploy(repo, stack)); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close stops the servers.
func (w *World) Close() error {
	w.aws.Close()
	w.shipping.Close()
	w.parties.Close()
	return nil
}

func schemas(stack *cfn.Stack) (all []tables.Schema) {
	for _, id := range stack.OfType("AWS::DynamoDB::Table") {
		p := stack.Properties(id)
		s := tables.Schema{Name: fmt.Sprint(p["TableName"]), PK: "pk", SK: "sk"}
		indexes, _ := p["GlobalSecondaryIndexes"].([]any)
		for _, i := range indexes {
			name := fmt.Sprint(cfn.Dig(i, "IndexName"))
			s.Indexes = append(s.Indexes, tables.Schema{Name: name, PK: name + "Pk", SK: name + "Sk",
				KeysOnly: cfn.Dig(i, "Projection", "ProjectionType") == "KEYS_ONLY"})
		}
		all = append(all, s)
	}
	return all
}

// own returns the end of an ARN or name that begins with the stack's name.
func own(arn any) string {
	name := fmt.Sprint(arn)
	return strings.TrimPrefix(name[strings.LastIndexByte(name, ':')+1:], stackName+"-")
}

func (w *World) readMachines(repo devstack.Repo, stack *cfn.Stack) error {
	for _, id := range stack.OfType("AWS::Serverless::StateMachine") {
		p := stack.Properties(id)
		text, err := os.ReadFile(repo.Path(fmt.Sprint(p["DefinitionUri"])))
		if err != nil {
			return err
		}
		substitutions, _ := p["DefinitionSubstitutions"].(map[string]any)
		m, err := asl.Parse(asl.Substitute(text, func(name string) string { return own(substitutions[name]) }))
		if err != nil {
			return err
		}
		w.machines[own(p["Name"])] = m
		w.express[own(p["Name"])] = p["Type"] == "EXPRESS"
	}
	return nil
}

// readSources connects streams, topics and queues with functions.
func (w *World) readSources(stack *cfn.Stack) error {
	streamOf := map[string]string{}
	for _, id := range stack.OfType("AWS::DynamoDB::Table") {
		stream := fmt.Sprint(stack.Value(map[string]any{"Fn::GetAtt": id + ".StreamArn"}))
		streamOf[stream] = fmt.Sprint(stack.Properties(id)["TableName"])
	}
	for _, id := range stack.OfType("AWS::Lambda::EventSourceMapping") {
		p := stack.Properties(id)
		s := source{function: own(p["FunctionName"]), batch: p["BatchSize"].(int)}
		filters, _ := cfn.Dig(p, "FilterCriteria", "Filters").([]any)
		for _, f := range filters {
			var pattern any
			if err := json.Unmarshal([]byte(fmt.Sprint(cfn.Dig(f, "Pattern"))), &pattern); err != nil {
				return err
			}
			s.filters = append(s.filters, pattern)
		}
		if table, ok := streamOf[fmt.Sprint(p["EventSourceArn"])]; ok {
			w.streams[table] = append(w.streams[table], s)
		} else {
			s.queue = true
			w.queues[fmt.Sprint(p["EventSourceArn"])] = s
		}
	}
	for _, id := range stack.OfType("AWS::SNS::Subscription") {
		p := stack.Properties(id)
		s := subscription{queue: fmt.Sprint(p["Endpoint"])}
		types, _ := cfn.Dig(p, "FilterPolicy", "type").([]any)
		for _, t := range types {
			s.types = append(s.types, fmt.Sprint(t))
		}
		topic := fmt.Sprint(p["TopicArn"])
		w.topics[topic] = append(w.topics[topic], s)
	}
	for _, id := range stack.OfType("AWS::Scheduler::Schedule") {
		p := stack.Properties(id)
		var minutes int
		if _, err := fmt.Sscanf(fmt.Sprint(p["ScheduleExpression"]), "rate(%d minutes)", &minutes); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		w.schedules = append(w.schedules, scheduled{own(cfn.Dig(p, "Target", "Arn")),
			time.Duration(minutes) * time.Minute, fmt.Sprint(cfn.Dig(p, "Target", "Input"))})
	}
	return nil
}

// deploy composes the functions with the environment of template.yaml. Plain HTTP to third parties
// is allowed only in the stage local.
func (w *World) deploy(repo devstack.Repo, stack *cfn.Stack) error {
	vars, err := variables(repo.Path("template.yaml"))
	if err != nil {
		return err
	}
	services := map[string]string{}
	dirs, err := filepath.Glob(repo.Path("functions", "*", "*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		services[filepath.Base(dir)] = filepath.Base(filepath.Dir(dir))
	}
	logs := map[string]map[string]any{}
	for _, id := range stack.OfType("AWS::Serverless::Function") {
		p := stack.Properties(id)
		logs[own(p["FunctionName"])], _ = p["LoggingConfig"].(map[string]any)
	}
	memory := cfn.Dig(stack.Globals("Function"), "MemorySize").(int)
	for _, name := range slices.Sorted(maps.Keys(composers)) {
		env := map[string]string{
			"STAGE": "local", "AWS_ENDPOINT_URL": w.aws.URL, "AWS_REGION": cfn.Region,
			"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "TRACES_URL": "",
		}
		for k, v := range vars[name] {
			if _, set := env[k]; !set {
				env[k] = v
			}
		}
		f := &deployed{name: name, service: services[name], memory: memory, log: &bytes.Buffer{}, logs: logs[name]}
		f.logger = function.LoggerOf(f.log, stackName+"-"+name, function.Verbosity{})
		in := function.NewEnv(func(k string) (string, bool) { v, ok := env[k]; return v, ok }, w.clock)
		in.IDs = w.ids
		if f.handler, err = function.Compose(f.log, in, f.service, name, composers[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.functions[name] = f
	}
	return nil
}

// openHosts starts AWS, the third parties, and the API, which the carrier calls.
func (w *World) openHosts() {
	w.aws = httptest.NewServer(http.HandlerFunc(w.answer))
	w.parties = openParties(w.ctx, w.clock, w.ids, registry.Fixed{}, secretText{}, w.fromOutside, w.party)
	w.shipping = httptest.NewServer(http.HandlerFunc(w.webhook))
	w.carrier.Endpoints = registry.Fixed{"shipping": w.shipping.URL}
}

type secretText struct{}

// Value returns the secret of all third parties; see carrier.Secret.
func (secretText) Value(context.Context) ([]byte, error) { return []byte("bench"), nil }

// later plans a task after all planned ones.
func (w *World) later(task func() error) { w.tasks = append(w.tasks, task) }

// fromOutside plans a call from outside. Outside parties take longer than the system, so the call
// comes when everything else waits.
func (w *World) fromOutside(task func() error) { w.outside = append(w.outside, task) }

// Settle runs all planned tasks.
func (w *World) Settle() error {
	for len(w.tasks)+len(w.outside) > 0 {
		from := &w.tasks
		if len(w.tasks) == 0 {
			from = &w.outside
		}
		task := (*from)[0]
		*from = (*from)[1:]
		if err := task(); err != nil {
			return err
		}
	}
	return errors.Join(w.failed...)
}

// invoke runs a function and counts its invocation and log.
func (w *World) invoke(name string, payload []byte) ([]byte, error) {
	f := w.functions[name]
	if f == nil {
		return nil, fmt.Errorf("%s has no composer", name)
	}
	w.running = append(w.running, name)
	w.clock.Advance(time.Millisecond)
	before := slog.Default()
	slog.SetDefault(f.logger)
	out, err := f.handler.Invoke(w.ctx, payload)
	slog.SetDefault(before)
	w.running = w.running[:len(w.running)-1]
	w.count(name, Invocations, 1)
	w.count(name, LogBytes, float64(f.logged()))
	return out, err
}

// batch hands records to a function in its turn, so that records of one transaction arrive
// together.
func (w *World) batch(s source, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if w.pending[s.function] = append(w.pending[s.function], b); len(w.pending[s.function]) > 1 {
		return nil
	}
	w.later(func() error {
		all := w.pending[s.function]
		w.pending[s.function] = nil
		for records := range slices.Chunk(all, s.batch) {
			payload, err := json.Marshal(map[string]any{"Records": records})
			if err != nil {
				return err
			}
			if s.queue {
				w.count(s.function, QueueCalls, 2)
			}
			out, err := w.invoke(s.function, payload)
			var res events.SQSEventResponse
			if err == nil && len(out) > 0 {
				err = json.Unmarshal(out, &res)
			}
			if err != nil || len(res.BatchItemFailures) > 0 {
				return fmt.Errorf("%s: %d failed, %w", s.function, len(res.BatchItemFailures), err)
			}
		}
		return nil
	})
	return nil
}
