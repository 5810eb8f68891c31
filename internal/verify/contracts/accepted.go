package contracts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// acceptedFile lists accepted breaks, one per line: the number of the ADR, a space and words of the
// break's report. Lines beginning with # are comments. The list is emptied after each release.
const acceptedFile = "api/accepted-breaks.txt"

var acceptedLine = regexp.MustCompile(`^(\d{4}) (\S.+)$`)

// accept moves accepted breaks from Breaks to Accepted. A line that matches nothing, or whose ADR
// does not exist, is a break itself: it could hide a later one.
func (r *Result) accept(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, acceptedFile)) //nolint:gosec // a file of the repository
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := acceptedLine.FindStringSubmatch(line)
		if parts == nil {
			return fmt.Errorf("%s: %q: want the number of an ADR and words of a break", acceptedFile, line)
		}
		adr, err := filepath.Glob(filepath.Join(dir, "docs", "adr", parts[1]+"-*.md"))
		if err != nil || len(adr) != 1 {
			r.Breaks = append(r.Breaks, fmt.Sprintf("%s: ADR %s does not exist", acceptedFile, parts[1]))
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
			left = append(left, fmt.Sprintf("%s: no break matches %q: remove the line", acceptedFile, line))
		}
		r.Breaks = left
	}
	return nil
}
