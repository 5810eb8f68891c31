package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/tracing"
	"orderflow/sandbox/web"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// invoke serves one event with h.
func invoke(t *testing.T, event string, h http.HandlerFunc) events.APIGatewayProxyResponse {
	t.Helper()
	out, err := web.Serve(h).Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	var res events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestEventIsServedAsAnHTTPRequest(t *testing.T) {
	res := invoke(t, `{"httpMethod":"POST","path":"/charges/a b/void","body":"{\"x\":1}","isBase64Encoded":false,
		"headers":{"idempotency-key":"k","x-two":"2"},"multiValueHeaders":{"idempotency-key":["k"],"x-two":["1","2"]},
		"queryStringParameters":{"q":"ä&"},"multiValueQueryStringParameters":{"q":["1","ä&"]}}`,
		func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			for what, got := range map[string]string{
				"POST": r.Method, "/charges/a b/void": r.URL.Path, `{"x":1}`: string(body),
				"k": r.Header.Get("Idempotency-Key"), "ä&": r.URL.Query()["q"][1],
			} {
				if got != what {
					t.Errorf("the request has %q, want %q", got, what)
				}
			}
			if two := r.Header.Values("X-Two"); len(two) != 2 {
				t.Errorf("X-Two: %q", two)
			}
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK) // too late
			_, _ = io.WriteString(w, "short and stout")
		})
	if res.StatusCode != http.StatusTeapot || res.Body != "short and stout" ||
		res.MultiValueHeaders["X-Answer"][0] != "yes" {
		t.Errorf("response: %+v", res)
	}
}

func TestBase64BodyIsDecoded(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	res := invoke(t, `{"httpMethod":"POST","path":"/","body":"aGk=","isBase64Encoded":true}`, echo)
	if res.StatusCode != http.StatusOK || res.Body != "hi" {
		t.Errorf("response: %+v", res)
	}
}

func TestRequestContinuesItsTrace(t *testing.T) {
	event := `{"httpMethod":"GET","path":"/","headers":{"traceparent":"` + trace + `"}}`
	invoke(t, event, func(_ http.ResponseWriter, r *http.Request) {
		if got := tracing.Parent(r.Context()); got != trace {
			t.Errorf("trace %q, want %q", got, trace)
		}
	})
}

func TestInvalidEventIsAnError(t *testing.T) {
	for _, event := range []string{
		`[]`, `{"httpMethod":"P T","path":"/"}`, `{"path":"/","body":"?","isBase64Encoded":true}`,
	} {
		if out, err := web.Serve(web.NoRoute()).Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s: response %s, want an error", event, out)
		}
	}
}
