package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
)

// methods are the HTTP methods that a client may try.
var methods = []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodTrace}

// undeclared sends every undeclared method to every path. API Gateway answers with 404, as for an
// unknown resource: it has no 405, so it need not send Allow.
func undeclared(ctx context.Context, base string) (cases int, bad []string, err error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		return 0, nil, err
	}
	for path, item := range doc.Paths.Map() {
		for _, method := range methods {
			if item.GetOperation(method) != nil {
				continue
			}
			cases++
			wrong, err := notThere(ctx, method, base+strings.NewReplacer("{", "", "}", "").Replace(path))
			if err != nil {
				return cases, bad, err
			}
			if wrong != "" {
				bad = append(bad, method+" "+path+": "+wrong)
			}
		}
	}
	return cases, bad, nil
}

func notThere(ctx context.Context, method, url string) (wrong string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	var problem struct {
		Status int
		Code   string
	}
	if err := json.Unmarshal(body, &problem); err != nil || res.StatusCode != http.StatusNotFound ||
		problem.Status != http.StatusNotFound ||
		problem.Code != "NotFound" || res.Header.Get("Content-Type") != "application/problem+json" {
		return fmt.Sprintf("%d %s", res.StatusCode, body), nil
	}
	return "", nil
}
