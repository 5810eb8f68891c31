package contracts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// acceptedFile lists, one a line, breaks that were decided on: the number of the ADR, a space, and words that the break's
// report has. A line with # is a comment. The list is emptied after each release.
const acceptedFile = "api/accepted-breaks.txt"

var acceptedLine = regexp.MustCompile(`^(\d{4}) (\S.+)$`)

// accept moves the breaks that were decided on from Breaks to Accepted. A line of the list that accepts nothing, or whose
// ADR is missing, is a break itself: nobody would notice what it lets through later.
func (r *Result) accept(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, acceptedFile)) //nolint:gosec // a file of the repository
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := acceptedLine.FindStringSubmatch(line)
		if parts == nil {
			return fmt.Errorf("%s: %q is not an ADR's number and the words of a break", acceptedFile, line)
		}
		if found, err := filepath.Glob(filepath.Join(dir, "docs", "adr", parts[1]+"-*.md")); err != nil || len(found) != 1 {
			r.Breaks = append(r.Breaks, fmt.Sprintf("%s: there is no ADR %s", acceptedFile, parts[1]))
			continue
		}
		var left []string
		for _, b := range r.Breaks {
			if strings.Contains(b, parts[2]) {
				r.Accepted = append(r.Accepted, b)
			} else {
				left = append(left, b)
			}
		}
		if len(left) == len(r.Breaks) {
			left = append(left, fmt.Sprintf("%s: nothing breaks as %q: remove the line", acceptedFile, line))
		}
		r.Breaks = left
	}
	return nil
}
