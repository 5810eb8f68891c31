package devstack

import "regexp"

// Lacking is the error of a command that needs something which this machine lacks and the project
// does not install. It says what to do.
type Lacking string

const cannotRun = "cannot run here: "

// Error implements error.
func (l Lacking) Error() string { return cannotRun + string(l) }

var lacks = regexp.MustCompile(`(?m)` + cannotRun + `(.*)$`)

// LackingIn returns what a command lacked, by its output, or "".
func LackingIn(output []byte) string {
	if m := lacks.FindSubmatch(output); m != nil {
		return string(m[1])
	}
	return ""
}
