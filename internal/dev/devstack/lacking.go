package devstack

import "regexp"

// Lacking is the error of a command that cannot run on this machine for want of something that the
// project does not install itself; it says what, and what to do.
type Lacking string

const cannotRun = "cannot run here: "

// Error says that it is the machine's.
func (l Lacking) Error() string { return cannotRun + string(l) }

var lacks = regexp.MustCompile(`(?m)` + cannotRun + `(.*)$`)

// LackingIn finds in the output of a command what it lacked; it is empty if nothing.
func LackingIn(output []byte) string {
	if m := lacks.FindSubmatch(output); m != nil {
		return string(m[1])
	}
	return ""
}
