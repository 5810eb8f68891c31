package conformance_test

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"

	"orderflow/api"
	"orderflow/internal/dev/httpfile"
)

// requests returns the requests of docs/orderflow.http.
func requests(t *testing.T) []httpfile.Request {
	t.Helper()
	text, err := os.ReadFile("../../../docs/orderflow.http")
	if err != nil {
		t.Fatal(err)
	}
	all, err := httpfile.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// operation returns the contract's operation of a request, and the values of its path.
func operation(t *testing.T, r httpfile.Request) (*api.Operation, map[string]string) {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("../../../api/operations")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		op, err := api.Load(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		if values, ok := match(op.Path, u.Path); ok && op.Method == r.Method {
			return op, values
		}
	}
	t.Fatalf("%s: there is no operation %s %s", r.Name, r.Method, u.Path)
	return nil, nil
}

func match(pattern, given string) (values map[string]string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path.Clean(given), "/")
	if len(want) != len(have) {
		return nil, false
	}
	values = map[string]string{}
	for i := range want {
		if strings.HasPrefix(want[i], "{") {
			values[strings.Trim(want[i], "{}")] = have[i]
		} else if want[i] != have[i] {
			return nil, false
		}
	}
	return values, true
}

func TestEveryOperationIsInTheCollection(t *testing.T) {
	missing := map[string]bool{}
	files, err := os.ReadDir("../../../api/operations")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		missing[strings.TrimSuffix(f.Name(), ".json")] = true
	}
	names := map[string]bool{}
	for _, r := range requests(t) {
		op, _ := operation(t, r)
		if !strings.HasPrefix(r.Name, op.ID) || names[r.Name] {
			t.Errorf("%q: want a unique name that starts with %s", r.Name, op.ID)
		}
		names[r.Name] = true
		if r.Name == op.ID {
			delete(missing, op.ID)
		}
		if len(r.Expect) == 0 {
			t.Errorf("%s has no expected status", r.Name)
		}
	}
	for id := range missing {
		t.Errorf("%s is missing", id)
	}
}

func TestRequestsOfTheCollectionAreValid(t *testing.T) {
	for _, r := range requests(t) {
		op, values := operation(t, r)
		req, err := http.NewRequestWithContext(t.Context(), r.Method, r.URL, strings.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = r.Header
		err = op.Validate(req, values)
		if bad := r.Expect[0] == http.StatusBadRequest; bad != (err != nil) {
			t.Errorf("%s: %v", r.Name, err)
		}
		if token := r.Header.Get("Authorization"); (token == "") != op.Public || op.Group != "" &&
			!strings.Contains(token, op.Group) {
			t.Errorf("%s: Authorization is %q", r.Name, token)
		}
	}
}
