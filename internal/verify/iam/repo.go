package iam

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/tracing/zipkin"
)

// deployments are parameter sets whose grants together are all grants on AWS.
var deployments = []map[string]string{
	{"Stage": "local", "Discovery": "parameters"},
	{"Stage": "local", "Discovery": "cloud-map"},
	{"Stage": "local", "PaymentProvider": "stripe"},
}

// Check compares the templates of the core and the sandbox, of the repository at root, with the
// spans of a run, in JSON lines.
func Check(root string, spans io.Reader) (*Report, error) {
	stacks := map[string]string{"orderflow": "template.yaml", "orderflow-sandbox": "sandbox/template.yaml"}
	var granted []Grant
	var needed []Need
	for name, path := range stacks {
		for _, parameters := range deployments {
			may, must, err := ofTemplate(root, path, name, parameters)
			if err != nil {
				return nil, err
			}
			granted, needed = append(granted, may...), append(needed, must...)
		}
	}
	return compare(granted, needed, spans, "exceptions.txt", exceptions,
		func(string) bool { return true })
}

// inside are the parameters of a stack of its own beside those of a run without a network and MSK.
var inside = map[string]string{
	"BrokerKey": "arn:aws:kms:us-east-1:000000000000:key/1", "BrokerSubnets": "subnet-1,subnet-2",
	"BrokerSecurityGroup": "sg-1", "KafkaCluster": "arn:aws:kafka:us-east-1:000000000000:cluster/shop/1",
}

// CheckOwn compares the templates of services with stacks of their own with the spans of a run in
// which they were deployed with these parameters.
func CheckOwn(root string, spans io.Reader, parameters map[string]map[string]string) (*Report, error) {
	var granted []Grant
	var needed []Need
	for service, given := range parameters {
		path := "stacks/" + service + "/template.yaml"
		template, err := cfn.Read(filepath.Join(root, path))
		if err != nil {
			return nil, err
		}
		run := map[string]string{"Core": "orderflow", "Stage": "local"}
		maps.Copy(run, given)
		delete(run, "EmulatorEndpoint") // roles are compared as they are on AWS
		more := maps.Clone(run)
		for name, value := range inside {
			if cfn.Dig(template, "Parameters", name) != nil {
				more[name] = value
			}
		}
		for _, parameters := range []map[string]string{run, more} {
			may, must, err := ofTemplate(root, path, "orderflow-"+service, parameters)
			if err != nil {
				return nil, err
			}
			granted, needed = append(granted, may...), append(needed, must...)
		}
	}
	owners := map[string]bool{}
	for _, g := range granted {
		owners[g.Owner] = true
	}
	return compare(granted, needed, spans, "exceptions_stacks.txt", exceptionsOfOwn,
		func(owner string) bool { return owners[owner] })
}

// ofTemplate returns what a template's roles may do, and what AWS does with them.
func ofTemplate(root, path, name string, parameters map[string]string) ([]Grant, []Need, error) {
	s, err := cfn.Load(filepath.Join(root, path), name, parameters)
	if err != nil {
		return nil, nil, err
	}
	definition := func(file string) ([]byte, error) {
		return os.ReadFile(filepath.Join(root, filepath.Dir(path), file)) //nolint:gosec // G304: our own file
	}
	must, err := Implied(s, definition)
	if err != nil {
		return nil, nil, err
	}
	may, err := Granted(s, must)
	return may, must, err
}

// compare adds the calls of owners in a run to what is needed.
func compare(
	granted []Grant, needed []Need, spans io.Reader, file, exceptions string, owns func(string) bool,
) (*Report, error) {
	all, err := read(spans)
	if err != nil {
		return nil, err
	}
	called, refused, err := Called(all)
	if err != nil {
		return nil, err
	}
	others := func(n Need) bool { return !owns(n.Owner) }
	called, refused = slices.DeleteFunc(called, others), slices.DeleteFunc(refused, others)
	excused, err := parseExceptions(file, exceptions)
	if err != nil {
		return nil, err
	}
	return Compare(sorted(granted), sorted(append(needed, called...)), refused, excused), nil
}

func read(r io.Reader) (all []zipkin.Span, err error) {
	for decoder := json.NewDecoder(r); ; {
		var span zipkin.Span
		if err := decoder.Decode(&span); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, span)
	}
}
