package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/platform/casing"
)

func document(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

type route struct {
	method, path string
	*openapi3.Operation
}

func routes(doc *openapi3.T) map[string]route {
	all := map[string]route{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if method == http.MethodHead || method == http.MethodOptions {
				continue
			}
			all[op.OperationID] = route{method, path, op}
		}
	}
	return all
}

func TestPathsHaveOptionsAndHeadForEachGet(t *testing.T) {
	for path, item := range document(t).Paths.Map() {
		function := func(op *openapi3.Operation) any {
			integration, _ := op.Extensions["x-amazon-apigateway-integration"].(map[string]any)
			return integration["uri"]
		}
		switch get, head := item.Get, item.Head; {
		case get == nil && head == nil:
		case head == nil:
			t.Errorf("%s has GET, but not HEAD", path)
		case get == nil:
			t.Errorf("%s has HEAD, but not GET", path)
		default:
			if !reflect.DeepEqual(function(get), function(head)) {
				t.Errorf("%s: HEAD has another function than GET", path)
			}
			if !reflect.DeepEqual(get.Security, head.Security) {
				t.Errorf("%s: HEAD has another security than GET", path)
			}
			if !reflect.DeepEqual(get.Parameters, head.Parameters) {
				t.Errorf("%s: HEAD has other parameters than GET", path)
			}
			for status := range get.Responses.Map() {
				if head.Responses.Value(status) == nil {
					t.Errorf("%s: HEAD lacks the response %s", path, status)
				}
			}
		}
		if item.Options == nil {
			t.Errorf("%s has no OPTIONS", path)
		} else if item.Options.Security == nil || len(*item.Options.Security) > 0 {
			t.Errorf("%s: OPTIONS requires a token, which browsers do not send", path)
		}
	}
}

func TestContractAndExamplesAreValid(t *testing.T) {
	doc := document(t)
	err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation())
	if err != nil {
		t.Fatal(err)
	}
	for id, op := range routes(doc) {
		if len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
			t.Errorf("%s: tags %v, want its service's", id, op.Tags)
		}
		if op.Summary == "" {
			t.Errorf("%s has no summary", id)
		}
		if op.Description == "" {
			t.Errorf("%s has no description", id)
		}
		for _, p := range op.Parameters {
			if p.Value.Example == nil {
				t.Errorf("%s: parameter %s has no example", id, p.Value.Name)
			}
			if p.Value.Description == "" {
				t.Errorf("%s: parameter %s has no description", id, p.Value.Name)
			}
		}
		if op.RequestBody != nil {
			hasExamples(t, id+" request", op.RequestBody.Value.Content)
		}
		for status, response := range op.Responses.Map() {
			if status != "204" && status != "304" && len(response.Value.Content) == 0 {
				t.Errorf("%s %s has no content", id, status)
			}
			hasExamples(t, id+" "+status, response.Value.Content)
			problem := response.Value.Content["application/problem+json"] != nil
			if status[0] >= '4' && !problem && !foreignError(response.Value.Content) {
				t.Errorf("%s %s is not a problem document", id, status)
			}
		}
	}
}

// foreignError reports whether a response is an error as its clients expect it: those of the RPC
// protocol and of the old shop.
func foreignError(content openapi3.Content) bool {
	json := content["application/json"]
	return json != nil && (json.Schema.Ref == "#/components/schemas/RpcError" ||
		json.Schema.Ref == "#/components/schemas/LegacyError")
}

func hasExamples(t *testing.T, where string, content openapi3.Content) {
	for media, c := range content {
		if len(c.Examples) == 0 {
			t.Errorf("%s: %s has no examples", where, media)
		}
		if c.Schema == nil {
			t.Errorf("%s: %s has no schema", where, media)
		}
	}
}

func TestErrorExamplesHaveTheirResponsesStatus(t *testing.T) {
	for id, op := range routes(document(t)) {
		for status, response := range op.Responses.Map() {
			problem := response.Value.Content["application/problem+json"]
			if problem == nil {
				continue
			}
			for name, example := range problem.Examples {
				var p struct {
					Type, Code string
					Status     json.Number
				}
				roundTrip(t, example.Value.Value, &p)
				if p.Status.String() != status || !strings.HasSuffix(p.Type, "/"+p.Code) {
					t.Errorf("%s %s: example %s has status %s and type %s", id, status, name, p.Status, p.Type)
				}
			}
		}
	}
}

func roundTrip(t *testing.T, from, to any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPublicAndOperatorsOperations(t *testing.T) {
	var public, operator []string
	for id := range routes(document(t)) {
		op, err := api.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		if op.Public {
			public = append(public, id)
		}
		if op.Group == "operator" {
			operator = append(operator, id)
		}
	}
	slices.Sort(public)
	slices.Sort(operator)
	if want := []string{
		"checkCatalog", "checkInventory", "checkLiveness", "checkOrders", "checkPayments", "checkReadiness",
		"checkShipping", "exportProducts", "getContract", "getProduct", "listAvailability", "listProducts",
		"receiveCarrierWebhook", "receivePaymentWebhook",
	}; !slices.Equal(public, want) {
		t.Errorf("public: %v, want %v", public, want)
	}
	if want := []string{
		"adjustStock", "findOrders", "inspectCatalog", "inspectHealth", "inspectInventory", "inspectOrders",
		"inspectPayments",
		"inspectShipping", "putProduct",
	}; !slices.Equal(operator, want) {
		t.Errorf("operators only: %v, want %v", operator, want)
	}
}

func TestOperatorsChangesAreAudited(t *testing.T) {
	var audited []string
	for id := range routes(document(t)) {
		op, err := api.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		if op.Audited {
			audited = append(audited, id)
		}
		if op.Group == "operator" && op.Method != "GET" && !op.Audited {
			t.Errorf("%s is a change for operators only, but not audited", id)
		}
	}
	slices.Sort(audited)
	// Operators may cancel any order.
	if want := []string{"adjustStock", "cancelOrder", "putProduct"}; !slices.Equal(audited, want) {
		t.Errorf("audited: %v, want %v", audited, want)
	}
}

func TestOperationsAreServedByTheirFunctions(t *testing.T) {
	for id, op := range routes(document(t)) {
		var integration struct {
			Type, HTTPMethod string
			Credentials      map[string][]string
			URI              map[string]string
		}
		roundTrip(t, op.Extensions["x-amazon-apigateway-integration"], &integration)
		function := casing.Camel(id) + "Function"
		if named, ok := op.Extensions["x-orderflow-function"].(string); ok {
			function = casing.Camel(named) + "Function"
		}
		want := "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" +
			function + ".Arn}/invocations"
		uri := integration.URI["Fn::Sub"]
		uri = strings.Replace(uri, ".Arn}:live/", ".Arn}/", 1) // the template decides on aliases
		if integration.Type != "aws_proxy" || integration.HTTPMethod != "POST" || uri != want ||
			!slices.Equal(integration.Credentials["Fn::GetAtt"], []string{"ApiRole", "Arn"}) {
			t.Errorf("%s: integration is %+v", id, integration)
		}
	}
}

func TestGatewayResponsesAreProblemDocuments(t *testing.T) {
	doc := document(t)
	problem := doc.Components.Schemas["Problem"].Value
	var responses map[string]struct {
		StatusCode         int
		ResponseParameters map[string]any
		ResponseTemplates  map[string]string
	}
	roundTrip(t, doc.Extensions["x-amazon-apigateway-gateway-responses"], &responses)
	for _, kind := range []string{
		"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED",
	} {
		if _, ok := responses[kind]; !ok {
			t.Errorf("%s is missing", kind)
		}
	}
	for kind, r := range responses {
		if r.ResponseParameters["gatewayresponse.header.Content-Type"] != "'application/problem+json'" {
			t.Errorf("%s: content type %s", kind, r.ResponseParameters)
		}
		allowed, _ := json.Marshal(r.ResponseParameters["gatewayresponse.header.Access-Control-Allow-Origin"])
		credentials := r.ResponseParameters["gatewayresponse.header.Access-Control-Allow-Credentials"]
		if string(allowed) != `{"Fn::If":["AllowsOrigins","'*'",{"Ref":"AWS::NoValue"}]}` || credentials != nil {
			t.Errorf("%s: allowed origins are %s, credentials %v", kind, allowed, credentials)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(r.ResponseTemplates["application/json"]), &body); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if err := problem.VisitJSON(body); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if body["status"] != float64(r.StatusCode) {
			t.Errorf("%s: status %v in the body, %d in the response", kind, body["status"], r.StatusCode)
		}
		retry := r.ResponseParameters["gatewayresponse.header.Retry-After"]
		if (r.StatusCode == 429 || r.StatusCode == 503) && retry == "" {
			t.Errorf("%s has no Retry-After", kind)
		}
	}
}

// AWS::Include refuses nulls and cannot read YAML anchors, tags and short-form intrinsics. API
// Gateway does not follow references to responses, and allows only letters and digits in names of
// schemas.
func TestContractCanBeIncludedInATemplate(t *testing.T) {
	for i, line := range strings.Split(string(api.Spec()), "\n") {
		if regexp.MustCompile(`(^|[\s\[{,:-])[&*!][A-Za-z]`).MatchString(line) {
			t.Errorf("line %d: anchor, alias or tag: %s", i+1, line)
		}
		if strings.Contains(line, "#/components/responses/") {
			t.Errorf("line %d: API Gateway does not follow %s", i+1, line)
		}
	}
	doc := document(t)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		t.Fatal(err)
	}
	noNulls(t, "", tree)
	for _, name := range slices.Collect(maps.Keys(doc.Components.Schemas)) {
		if !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(name) {
			t.Errorf("schema %s: API Gateway refuses the name", name)
		}
	}
}

func noNulls(t *testing.T, at string, node any) {
	switch n := node.(type) {
	case nil:
		t.Errorf("null at %s", at)
	case map[string]any:
		for k, v := range n {
			noNulls(t, at+"/"+k, v)
		}
	case []any:
		for _, v := range n {
			noNulls(t, at+"/-", v)
		}
	}
}
