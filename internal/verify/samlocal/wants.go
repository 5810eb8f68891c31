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

// want is what a function must answer to its sample event, and what it must leave behind.
type want struct {
	Function string
	// Given is what is there before: order, the order of the samples, PENDING and untouched;
	// outbox, the item that the sample tells of; stopped saga, an execution that somebody has
	// stopped, as the sample says; ready services, those that the emulator runs.
	Given string
	// Answers has what the answer must have; the answer may have more in its objects. A body that
	// is JSON in the answer is an object here. A text between slashes is a pattern for a value.
	Answers map[string]any
	// AnswersNothing is for functions whose answer nobody reads.
	AnswersNothing bool `yaml:"answersNothing"`
	Leaves         leaves

	service string
}

// leaves is what a function has written, where it writes.
type leaves struct {
	// Item is one of its service's table. "${name}" in its key is that value of the answer's body.
	Item *struct {
		PK, SK string
		Has    map[string]any
		Gone   bool // it is there no more
	}
	// Message is one that waits in a queue: with a text in it.
	Message *struct{ Queue, Has string }
	// Execution is one of a state machine.
	Execution *struct{ Machine, Name string }
	// Mail is one that was sent to an address.
	Mail *struct{ To, Subject string }
}

// readWants returns what is wanted of the functions of each service, in the order in which they are
// invoked.
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

// complete fails unless every function of the source tree that belongs to template.yaml has a
// sample event, and exactly one want, which can be missed.
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
				err = errors.Join(err, fmt.Errorf("%s/%s may do anything", service, w.Function))
			}
		}
	}
	for _, f := range tree {
		name, ok := strings.CutPrefix(filepath.ToSlash(f.Dir), "functions/")
		if !ok {
			continue // the sandbox's, which is another stack, and no part of the product
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
		err = errors.Join(err, fmt.Errorf("there is no function %s", name))
	}
	return functions, err
}

// check compares an answer with what is wanted.
func (w want) check(answer []byte) (body map[string]any, err error) {
	if w.AnswersNothing {
		if text := bytes.TrimSpace(answer); len(text) > 0 {
			err = fmt.Errorf("the answer is %s, want none", text)
		}
		return nil, err
	}
	var got map[string]any
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w: %s", err, answer)
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
		return nil, fmt.Errorf("%s\n    the answer: %s", strings.Join(missed, "\n    "),
			strings.TrimSpace(string(answer)))
	}
	return body, nil
}

// differ tells where got is not as wanted. Objects may have more members; lists not.
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
		if pattern, ok := strings.CutPrefix(want, "/"); ok && strings.HasSuffix(pattern, "/") && len(pattern) > 1 {
			if !regexp.MustCompile("^(?:" + strings.TrimSuffix(pattern, "/") + ")$").MatchString(fmt.Sprint(got)) {
				return []string{fmt.Sprintf("%s is %v, want it to match %s", at, got, want)}
			}
			return nil
		}
	}
	// Numbers are of several types, by where they come from.
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
	}
	return nil
}
