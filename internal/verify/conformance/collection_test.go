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
	_ "orderflow/internal/reporting/contract" // its operations
)

// collections are the files in docs with a request for each operation of a contract.
var collections = map[string]string{
	"orderflow.http": "../../../api/operations",
	"reporting.http": "../../reporting/contract/operations",
}

// requests returns the requests of a collection.
func requests(t *testing.T, collection string) []httpfile.Request {
	t.Helper()
	text, err := os.ReadFile("../../../docs/" + collection)
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
func operation(t *testing.T, r httpfile.Request, operations string) (*api.Operation, map[string]string) {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(operations)
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
	for collection, operations := range collections {
		t.Run(collection, func(t *testing.T) { wantEveryOperation(t, collection, operations) })
	}
}

func wantEveryOperation(t *testing.T, collection, operations string) {
	t.Helper()
	missing := map[string]bool{}
	files, err := os.ReadDir(operations)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		missing[strings.TrimSuffix(f.Name(), ".json")] = true
	}
	names := map[string]bool{}
	for _, r := range requests(t, collection) {
		op, _ := operation(t, r, operations)
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
	for collection, operations := range collections {
		t.Run(collection, func(t *testing.T) { wantValid(t, collection, operations) })
	}
}

func wantValid(t *testing.T, collection, operations string) {
	t.Helper()
	for _, r := range requests(t, collection) {
		op, values := operation(t, r, operations)
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
