package samlocal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/dev/devstack"
)

// want is the expected result of a function for its sample event, and its expected effects.
type want struct {
	Function string
	// Given is the precondition: order, the sample order, PENDING; outbox, the sample event's item;
	// stopped saga, the sample event's execution, stopped; ready services, the emulator's.
	Given string
	// Answers is the expected result; objects may have more members. A JSON body is an object here.
	// A text between slashes is a pattern, of a value of any kind.
	Answers map[string]any
	// AnswersNothing: the result is empty.
	AnswersNothing bool `yaml:"answersNothing"`
	Leaves         leaves

	service string
}

// readWants returns the wants of each service, in the order of invocation.
func readWants(repo devstack.Repo) (map[string][]want, error) {
	files, err := filepath.Glob(repo.Path("internal", "verify", "samlocal", "testdata", "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := map[string][]want{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		service := strings.TrimSuffix(filepath.Base(file), ".yaml")
		var list []want
		decoder := yaml.NewDecoder(strings.NewReader(string(data)))
		decoder.KnownFields(true)
		if err := decoder.Decode(&list); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i := range list {
			list[i].service = service
		}
		all[service] = list
	}
	return all, nil
}

// complete fails unless every function of template.yaml has a sample event and exactly one want
// that is not empty.
func complete(repo devstack.Repo, wants map[string][]want) (functions int, err error) {
	tree, err := repo.Functions()
	if err != nil {
		return 0, err
	}
	wanted := map[string]int{}
	for service, list := range wants {
		for _, w := range list {
			wanted[service+"/"+w.Function]++
			if (len(w.Answers) == 0) != w.AnswersNothing || w.AnswersNothing && w.Leaves == (leaves{}) {
				err = errors.Join(err, fmt.Errorf("%s/%s expects nothing", service, w.Function))
			}
		}
	}
	for _, f := range tree {
		name, ok := strings.CutPrefix(filepath.ToSlash(f.Dir), "functions/")
		if service, _, _ := strings.Cut(name, "/"); !ok || slices.Contains(repo.OwnStacks(), service) {
			continue // of another stack
		}
		functions++
		if n := wanted[name]; n != 1 {
			err = errors.Join(err,
				fmt.Errorf("%s is %d times in internal/verify/samlocal/testdata, want once", name, n))
		}
		delete(wanted, name)
		if _, statErr := os.Stat(repo.Path("events", name+".json")); statErr != nil {
			err = errors.Join(err, statErr)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		err = errors.Join(err, fmt.Errorf("unknown function %s", name))
	}
	return functions, err
}

// check compares a result with the expected one.
func (w want) check(answer []byte) (body map[string]any, err error) {
	if w.AnswersNothing {
		if text := bytes.TrimSpace(answer); len(text) > 0 {
			err = fmt.Errorf("the result is %s, want none", text)
		}
		return nil, err
	}
	var got map[string]any
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("the result is not a JSON object: %w: %s", err, answer)
	}
	body = got
	if text, ok := got["body"].(string); ok {
		var inner any
		if json.Unmarshal([]byte(text), &inner) == nil {
			got["body"] = inner
			body, _ = inner.(map[string]any)
		}
	}
	if missed := differ("", w.Answers, got); len(missed) > 0 {
		return nil, fmt.Errorf("%s\n    the result: %s", strings.Join(missed, "\n    "),
			strings.TrimSpace(string(answer)))
	}
	return body, nil
}

// differ returns the differences of got from want. Objects may have more members, lists not.
func differ(at string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
		}
		var missed []string
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, there := object[name]
			if !there {
				missed = append(missed, fmt.Sprintf("%s.%s is missing, want %v", at, name, want[name]))
				continue
			}
			missed = append(missed, differ(at+"."+name, want[name], value)...)
		}
		return missed
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
		}
		var missed []string
		for i := range want {
			missed = append(missed, differ(fmt.Sprintf("%s[%d]", at, i), want[i], list[i])...)
		}
		return missed
	case string:
		pattern, starts := strings.CutPrefix(want, "/")
		pattern, ends := strings.CutSuffix(pattern, "/")
		if starts && ends && regexp.MustCompile("^(?:"+pattern+")$").MatchString(fmt.Sprint(got)) {
			return nil
		}
	}
	// Numbers have several types, depending on their origin.
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
	}
	return nil
}
