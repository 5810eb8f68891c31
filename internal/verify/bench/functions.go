// Package bench measures the cost of an order and the start time of functions.
//
// Costs are counted, not estimated: a [World] runs the core's functions in one process, on a small
// AWS that counts what AWS would bill. A golden file holds the counts.
//
// Starts are measured from exec to the first poll of the Runtime API, relative to a hello-world
// function. A process starts as in Lambda, with the environment variables of template.yaml, against
// a Runtime API that answers no poll. Two figures are measured: time, and CPU time, which a busy
// machine hardly changes. Limits apply only to ratios to the hello-world function in the same
// round, so the machine's speed does not matter.
package bench

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/cfn"
)

// Functions compiles all functions and the hello-world function for this machine, as for a
// deployment.
func Functions(ctx context.Context, repo devstack.Repo, rep *devstack.Reporter) (hello Program, programs []Program,
	err error) {
	functions, err := repo.Functions()
	if err != nil {
		return hello, nil, err
	}
	vars := map[string]map[string]string{}
	for _, file := range repo.Templates() {
		of, err := variables(repo.Path(file))
		if err != nil {
			return hello, nil, err
		}
		maps.Copy(vars, of)
	}
	bin, err := repo.Compile(ctx, rep, devstack.Host(),
		append(functions, devstack.Function{Name: "hello", Dir: "internal/verify/bench/testdata/hello"}))
	if err != nil {
		return hello, nil, err
	}
	for _, f := range functions {
		env, ok := vars[f.Name]
		if !ok {
			return hello, nil, fmt.Errorf("%s is in no template", f.Name)
		}
		programs = append(programs, Program{Name: f.Name, Path: filepath.Join(bin, f.Name), Env: env})
	}
	return Program{Name: "hello", Path: filepath.Join(bin, "hello")}, programs, nil
}

// Sizes returns the sizes of each program and its deployment package.
func Sizes(programs []Program) (map[string]Size, error) {
	sizes := map[string]Size{}
	for _, p := range programs {
		info, err := os.Stat(p.Path)
		if err != nil {
			return nil, err
		}
		var packed bytes.Buffer
		if err := devstack.Pack(&packed, p.Path); err != nil {
			return nil, err
		}
		sizes[p.Name] = Size{Binary: info.Size(), Package: int64(packed.Len())}
	}
	return sizes, nil
}

// brokers are the parameters without which functions that need a broker do not start.
var brokers = map[string]string{
	"KafkaBrokers": "127.0.0.1:1", "KafkaSecret": cfn.ARN("secretsmanager", "secret:kafka-AbCdEf"),
	"RabbitMqBroker": cfn.ARN("mq", "broker:bench:b-1"), "RabbitMqUrl": "amqps://127.0.0.1:1/bench",
	"RabbitMqSecret": cfn.ARN("secretsmanager", "secret:rabbitmq-AbCdEf"),
}

// variables returns the environment variables of a template's functions, by directory name.
// Parameters have their defaults, and references are resolved to names and ARNs.
func variables(file string) (map[string]map[string]string, error) {
	template, err := cfn.Read(file)
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for name, value := range brokers {
		if cfn.Dig(template, "Parameters", name) != nil {
			parameters[name] = value
		}
	}
	stack, err := cfn.New(template, stackName, parameters)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for _, id := range stack.OfType("AWS::Serverless::Function") {
		function := stack.Properties(id)
		name := path.Base(fmt.Sprint(function["CodeUri"]))
		all[name] = map[string]string{}
		for _, from := range []any{stack.Globals("Function"), function} {
			named, _ := cfn.Dig(from, "Environment", "Variables").(map[string]any)
			for variable, value := range named {
				switch value.(type) {
				case string, int, float64, bool:
					all[name][variable] = fmt.Sprint(value)
				default:
					return nil, fmt.Errorf("%s: %s of %s is %v, which is not a valid variable", file, variable, id,
						value)
				}
			}
		}
	}
	return all, nil
}
