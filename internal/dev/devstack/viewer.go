package devstack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// viewerName is that of the files of Zipkin, which shows the traces of a stack.
const viewerName = "zipkin"

// viewerPort is Zipkin's own.
const viewerPort = 9411

// View starts Zipkin for the stack's traces, where it does not run yet, and has it told of those that are there and those to
// come. It returns its address.
func (s *Stack) View(ctx context.Context, rep *Reporter) (string, error) {
	if err := needJava("the viewer Zipkin (without it `go run ./cmd/orderflow trace ORDER` shows a trace)"); err != nil {
		return "", err
	}
	unlock, err := lock(s.repo.Path(".tools"))
	if err != nil {
		return "", err
	}
	err = s.repo.setupZipkin(ctx, rep)
	unlock()
	if err != nil {
		return "", err
	}
	p := program{
		name:  viewerName,
		limit: 2 * time.Minute,
		argv: func(port int) []string {
			return []string{"java", "-Xmx512m", "-jar", s.repo.Path(".tools", "zipkin", "zipkin.jar"), "--armeria.ports[0].address=127.0.0.1",
				"--armeria.ports[0].port=" + strconv.Itoa(port), "--armeria.ports[0].protocols[0]=http",
				"--zipkin.query.allowed-origins=http://127.0.0.1:" + strconv.Itoa(port)} // of its own pages; the default is all
		},
		ready: func(ctx context.Context, url string) bool {
			var health struct{ Status string }
			return get(ctx, url+"/health", &health) == nil && health.Status == "UP"
		},
	}
	var zipkin *server
	var started bool
	err = rep.Do("start Zipkin", func() (err error) {
		zipkin, started, err = serve(ctx, s.dir, p, viewerPort)
		return err
	})
	if err != nil {
		return "", err
	}
	return zipkin.URL, forward(ctx, s.TracesURL, zipkin.URL, started)
}

// forward has the collector send its spans on; all of them once more, if nothing of them can be there yet.
func forward(ctx context.Context, from, to string, all bool) error {
	query := url.Values{"to": {to}}
	if all {
		query.Set("all", "yes")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, from+"/forward?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the collector of traces does not answer, `make up` starts it: %w", err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the collector of traces answered %s: %w", resp.Status, err)
	}
	return nil
}

// setupZipkin installs Zipkin at the version of tools/zipkin/pom.xml.
func (r Repo) setupZipkin(ctx context.Context, rep *Reporter) error {
	dir := r.Path(".tools", "zipkin")
	jar := filepath.Join(dir, "zipkin.jar")
	return r.setupMaven(ctx, rep, "zipkin", "Zipkin", dir, jar, func() error {
		jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
		if err != nil || len(jars) != 1 {
			return fmt.Errorf("of Maven came %q where one file was expected: %w", jars, err)
		}
		return os.Rename(jars[0], jar)
	})
}
