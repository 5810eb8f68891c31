package iam

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"orderflow/internal/platform/tracing/zipkin"
	"orderflow/internal/verify/cfn"
)

// deployments are the parameter sets whose grants together are all grants, as on AWS.
var deployments = []map[string]string{
	{"Stage": "local", "Discovery": "parameters"},
	{"Stage": "local", "Discovery": "cloud-map"},
	{"Stage": "local", "PaymentProvider": "stripe"},
}

// Check compares the templates of the repository at root with the spans of a run, in JSON lines.
func Check(root string, spans io.Reader) (*Report, error) {
	all, err := read(spans)
	if err != nil {
		return nil, err
	}
	needed, refused, err := Called(all)
	if err != nil {
		return nil, err
	}
	var granted []Grant
	stacks := map[string]string{"orderflow": "template.yaml", "orderflow-sandbox": "sandbox/template.yaml"}
	for name, path := range stacks {
		for _, parameters := range deployments {
			s, err := cfn.Load(filepath.Join(root, path), name, parameters)
			if err != nil {
				return nil, err
			}
			definition := func(file string) ([]byte, error) {
				return os.ReadFile(filepath.Join(root, filepath.Dir(path), file)) //nolint:gosec // G304: our own file
			}
			must, err := Implied(s, definition)
			if err != nil {
				return nil, err
			}
			may, err := Granted(s, must)
			if err != nil {
				return nil, err
			}
			granted, needed = append(granted, may...), append(needed, must...)
		}
	}
	excused, err := parseExceptions(exceptions)
	if err != nil {
		return nil, err
	}
	return Compare(sorted(granted), sorted(needed), refused, excused), nil
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
