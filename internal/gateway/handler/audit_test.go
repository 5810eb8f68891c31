package handler

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/gateway/graph"
	graphhandler "orderflow/internal/gateway/graph/handler"
)

// TestGraphqlOverHTTPAudit runs the specification's audits. Of those with MAY, we leave out GET.
func TestGraphqlOverHTTPAudit(t *testing.T) {
	const tools = "../../../.tools/node"
	if _, err := os.Stat(tools + "/node_modules/graphql-http"); err != nil {
		t.Skip("graphql-http is not installed: run `make lint`")
	}
	script, err := os.ReadFile("testdata/audit.mjs")
	must(t, err)
	server := httptest.NewServer(overHTTP(t))
	defer server.Close()
	node := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", string(script))
	node.Dir, node.Env = tools, append(os.Environ(), "URL="+server.URL)
	out, err := node.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "61 audits\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "notice MAY ") && !strings.HasSuffix(line, " audits\n") {
			t.Error(strings.TrimSpace(line))
		}
	}
}

// overHTTP serves POST by the GraphQL function, as API Gateway invokes it.
func overHTTP(t *testing.T) http.Handler {
	h := graphhandler.Serve(graph.New(open(t, nil), true))
	event, err := os.ReadFile("../../../events/gateway/serve-graphql.json")
	must(t, err)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		var in events.APIGatewayProxyRequest
		body, err := io.ReadAll(r.Body)
		must(t, err)
		must(t, json.Unmarshal(event, &in))
		in.Body, in.Headers, in.MultiValueHeaders = string(body), nil, r.Header
		payload, err := json.Marshal(in)
		must(t, err)
		out, err := h.Invoke(r.Context(), payload)
		must(t, err)
		var res events.APIGatewayProxyResponse
		must(t, json.Unmarshal(out, &res))
		for name, v := range res.Headers {
			w.Header().Set(name, v)
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.WriteString(w, res.Body)
	})
}
