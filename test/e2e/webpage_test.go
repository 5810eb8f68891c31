package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A page open in a browser of this machine reaches the emulator. These are requests that it can
// send without a preflight.
func TestAWebPageCannotUseTheLocalStack(t *testing.T) {
	const form, text = "application/x-www-form-urlencoded", "text/plain"
	emulator := stack.Emulator.URL
	// A page cannot set Authorization, but it can presign a URL with the well-known key and any
	// signature.
	signed := func(service string) string {
		at := time.Now().UTC()
		return url.Values{"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"},
			"X-Amz-Credential": {"test/" + at.Format("20060102") + "/us-east-1/" + service + "/aws4_request"},
			"X-Amz-Date":       {at.Format("20060102T150405Z")}, "X-Amz-Expires": {"600"},
			"X-Amz-SignedHeaders": {"host"},
			"X-Amz-Signature":     {"00"}}.Encode()
	}
	const listUsers = "Action=ListUsers&Version=2010-05-08"
	for name, c := range map[string]struct {
		method, url, contentType, body string
		page                           map[string]string
	}{
		"a function made by a simple request": {http.MethodPost, "/2015-03-31/functions?" + signed("lambda"), text,
			`{"FunctionName":"page","Role":"arn:aws:iam::000000000000:role/page","Code":{}}`,
			map[string]string{"Origin": "https://page.example"}},
		"an account read by a form": {http.MethodPost, "/?" + signed("iam"), form, listUsers,
			map[string]string{"Origin": "null"}},
		"an account read by a picture": {http.MethodGet, "/?" + listUsers + "&" + signed("iam"), "", "",
			map[string]string{"Sec-Fetch-Site": "cross-site"}},
		"an account read by a new name": {http.MethodPost, "/?" + signed("iam"), form, listUsers,
			map[string]string{"Host": "rebound.example"}},
		"the API read by a new name": {http.MethodGet, strings.TrimPrefix(stack.Outputs["ApiUrl"], emulator) +
			"/health/live", "", "", map[string]string{"Host": "rebound.example"}},
		"an account read by a neighbour": {http.MethodGet, "/?" + listUsers + "&" + signed("iam"), "", "",
			map[string]string{"Origin": "http://localhost:3000"}},
	} {
		t.Run(name, func(t *testing.T) {
			send := func(headers map[string]string) int {
				req, err := http.NewRequestWithContext(t.Context(), c.method, emulator+c.url, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.contentType != "" {
					req.Header.Set("Content-Type", c.contentType)
				}
				for name, value := range headers {
					req.Header.Set(name, value)
				}
				req.Host = req.Header.Get("Host")
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				return res.StatusCode
			}
			if status := send(c.page); status != http.StatusForbidden {
				t.Errorf("the page gets %d, want 403", status)
			}
			if status := send(nil); status == http.StatusForbidden {
				t.Error("a program is refused, too, so this proves nothing about pages")
			}
		})
	}
	if status, _, _, err := anonymously(t.Context(), "/health/live"); err != nil || status != http.StatusOK {
		t.Errorf("the API itself answers %d, %v", status, err)
	}
}

// Each function's process polls its own address for work. Any other poller would take the
// function's events.
func TestAWebPageCannotTakeAFunctionsWork(t *testing.T) {
	processes, err := stack.Emulator.Functions()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, p := range processes {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "environ"))
		if err != nil {
			continue // it has ended
		}
		_, rest, ok := strings.Cut("\x00"+string(environ), "\x00AWS_LAMBDA_RUNTIME_API=")
		if !ok {
			continue
		}
		address, _, _ := strings.Cut(rest, "\x00")
		for header, value := range map[string]string{"Origin": "https://page.example", "Host": "rebound.example",
			"Sec-Fetch-Site": "cross-site"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				"http://"+address+"/2018-06-01/runtime/invocation/none/response", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(header, value)
			req.Host = req.Header.Get("Host")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				continue // it has ended
			}
			_ = res.Body.Close()
			if asked++; res.StatusCode != http.StatusForbidden {
				t.Errorf("%s answers %d to a page, by %s; want 403", p.Function, res.StatusCode, header)
			}
		}
	}
	if asked == 0 {
		t.Error("no function process was found")
	}
}
