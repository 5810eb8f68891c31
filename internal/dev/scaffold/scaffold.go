// Package scaffold generates what a new read operation needs from the contract: the main of its
// function, a sample event, a request for docs/orderflow.http, a row for the service's README and
// the answer to expect under `sam local`. It adds what is missing, beside what resembles it most,
// and changes nothing that is there.
package scaffold

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// File is a file that [Write] has written. Its name is relative to the repository.
type File struct {
	Name string
	New  bool
}

func (f File) String() string {
	if f.New {
		return "new: " + f.Name
	}
	return "changed: " + f.Name
}

// Write writes what is missing in the repository at root.
func Write(root string) (written []File, err error) {
	operations, err := read(root)
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		for name, edit := range map[string]func(string) string{
			"functions/" + o.service + "/" + o.function + "/main.go": once(o.main()),
			"events/" + o.service + "/" + o.function + ".json":       once(o.event()),
			"docs/orderflow.http":                                      o.addRequest,
			"internal/" + o.service + "/README.md":                     o.addRow,
			"internal/verify/samlocal/testdata/" + o.service + ".yaml": o.addWant,
		} {
			file := filepath.Join(root, filepath.FromSlash(name))
			old, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return written, err
			}
			text := edit(string(old))
			if text == string(old) {
				continue
			}
			isNew := errors.Is(err, fs.ErrNotExist)
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644))
			if err != nil {
				return written, err
			}
			if !slices.ContainsFunc(written, func(f File) bool { return f.Name == name }) {
				written = append(written, File{name, isNew})
			}
		}
	}
	slices.SortFunc(written, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return written, nil
}

// once returns an edit that fills an empty file.
func once(content []byte) func(string) string {
	return func(old string) string { return cmp.Or(old, string(content)) }
}

// addRequest adds a request to a collection without one for the operation.
func (o operation) addRequest(collection string) string {
	requestOf := func(o operation) *regexp.Regexp { // up to the next ###
		return regexp.MustCompile(`(?m)^# @name ` + o.id + `\n(?:\n?(?:[^#\n]|#[^#\n]).*\n)*`)
	}
	return o.add(collection, requestOf, o.request())
}

// tableOfFunctions matches a README's table of functions.
var tableOfFunctions = regexp.MustCompile(`(?m)^\| function \| called by \| does \|\n(\|.*\n)+`)

// addRow adds a row to the README's table of functions if no row names the function.
func (o operation) addRow(readme string) string {
	at := tableOfFunctions.FindStringIndex(readme)
	if at == nil {
		return readme
	}
	rowOf := func(o operation) *regexp.Regexp {
		return regexp.MustCompile(`(?m)^\|[^|\n]*[ ,]` + o.function + `[ ,].*\n`)
	}
	return readme[:at[0]] + o.add(readme[at[0]:at[1]], rowOf, o.row()) + readme[at[1]:]
}

// addWant adds the expected answer to those of the service.
func (o operation) addWant(wants string) string {
	wantOf := func(o operation) *regexp.Regexp {
		return regexp.MustCompile(`(?m)^- function: ` + o.function + `(?: .*)?\n(?:[^-\n].*\n)*`)
	}
	given := ""
	if n := o.nearest(wants, wantOf); n != nil && n.sharesParameter(o) {
		given = precondition.FindString(wantOf(*n).FindString(wants))
	}
	return o.add(wants, wantOf, o.want(given))
}

// precondition matches the line of an expected answer that has it.
var precondition = regexp.MustCompile(`(?m)^  given: .*\n`)

// add adds the operation's part to a text that lacks it: after that of the nearest operation, or at
// the end. partOf matches the part of an operation.
func (o operation) add(text string, partOf func(operation) *regexp.Regexp, part string) string {
	if partOf(o).MatchString(text) {
		return text
	}
	at := len(text)
	if n := o.nearest(text, partOf); n != nil {
		at = partOf(*n).FindStringIndex(text)[1]
	}
	return text[:at] + part + text[at:]
}

// nearest returns the neighbour with the most similar path that has a part of the text, or nil.
func (o operation) nearest(text string, partOf func(operation) *regexp.Regexp) *operation {
	for _, n := range o.neighbours {
		if partOf(n).MatchString(text) {
			return &n
		}
	}
	return nil
}
