package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/registry"
)

// parameterStore answers with the parameters by name.
func parameterStore(parameters map[string]string) *cloud {
	return &cloud{answers: map[string]func(map[string]string) (int, string){
		"AmazonSSM.GetParameter": func(in map[string]string) (int, string) {
			if v, ok := parameters[in["Name"]]; ok {
				return 200, fmt.Sprintf(`{"Parameter":{"Name":%q,"Value":%q}}`, in["Name"], v)
			}
			return 400, `{"__type":"ParameterNotFound"}`
		},
	}}
}

// cloudMap answers with the instances' attributes by namespace and service.
func cloudMap(namespaces map[string]map[string][]map[string]string) *cloud {
	return &cloud{answers: map[string]func(map[string]string) (int, string){
		"Route53AutoNaming_v20170314.DiscoverInstances": func(in map[string]string) (int, string) {
			services, ok := namespaces[in["NamespaceName"]]
			if !ok {
				return 400, `{"__type":"com.amazonaws.servicediscovery#NamespaceNotFound"}`
			}
			attributes, ok := services[in["ServiceName"]]
			if !ok {
				return 400, `{"__type":"ServiceNotFound"}`
			}
			var out struct{ Instances []map[string]any }
			for _, a := range attributes {
				if in["HealthStatus"] != "HEALTHY" || a["health"] != "UNHEALTHY" {
					out.Instances = append(out.Instances, map[string]any{"Attributes": a})
				}
			}
			b, _ := json.Marshal(out)
			return 200, string(b)
		},
	}}
}

func TestParametersOfTheStageHoldEndpointsWithoutSlashAtTheirEnd(t *testing.T) {
	cfg, c := parameterStore(map[string]string{
		"/orderflow/dev/services/orders":   "https://a/",
		"/orderflow/prod/services/orders":  "https://other",
		"/orderflow/dev/services/payments": " https://a/v1/ , https://b,https://b/,",
	}).serve(t)
	r := registry.NewParameters(cfg, "dev", c)
	wantURLs(t, r, "orders", "https://a")
	wantURLs(t, r, "payments", "https://a/v1", "https://b")
}

func TestHealthyInstancesInCloudMapAreEndpoints(t *testing.T) {
	cfg, c := cloudMap(map[string]map[string][]map[string]string{
		"orderflow-prod": {"services": {{"orders": "https://other"}}},
		"orderflow-dev": {"services": {
			{"orders": "https://b/", "catalog": "https://c"}, {"orders": "https://sick", "health": "UNHEALTHY"},
			{"orders": "https://a"}, {"AWS_INSTANCE_IPV4": "127.0.0.1"},
		}},
	}).serve(t)
	wantURLs(t, registry.NewCloudMap(cfg, "dev", c), "orders", "https://a", "https://b")
	wantURLs(t, registry.NewCloudMap(cfg, "dev", c), "catalog", "https://c")
}

func TestPartnersAreFoundInTheirNamespaceUnlessTheStageHasThem(t *testing.T) {
	partners := map[string][]map[string]string{"carrier": {{"url": "https://sandbox"}}}
	for name, tt := range map[string]struct {
		own  map[string][]map[string]string
		want string
	}{
		"not in the stage":  {map[string][]map[string]string{"services": {{"orders": "https://a"}}}, "https://sandbox"},
		"no such namespace": {nil, "https://sandbox"},
		"in the stage":      {map[string][]map[string]string{"services": {{"carrier": "https://real"}}}, "https://real"},
	} {
		t.Run(name, func(t *testing.T) {
			namespaces := map[string]map[string][]map[string]string{"orderflow-dev-partners": partners}
			if tt.own != nil {
				namespaces["orderflow-dev"] = tt.own
			}
			cfg, c := cloudMap(namespaces).serve(t)
			wantURLs(t, registry.NewCloudMap(cfg, "dev", c), "carrier", tt.want)
		})
	}
}

func TestServiceWithoutAUsableEndpointIsUnknownWhichIsTransient(t *testing.T) {
	stored, c := parameterStore(map[string]string{
		"/orderflow/dev/services/empty": " , ", "/orderflow/dev/services/ftp": "https://a,ftp://b",
		"/orderflow/dev/services/relative": "a.example/v1", "/orderflow/dev/services/query": "https://a/?x=1",
	}).serve(t)
	mapped, _ := cloudMap(map[string]map[string][]map[string]string{"orderflow-dev": {
		"services": {{"sick": "https://sick", "health": "UNHEALTHY"}, {"ftp": "ftp://b", "empty": ""}},
	}}).serve(t)
	for r, names := range map[registry.Registry][]string{
		registry.NewParameters(stored, "dev", c): {
			"missing", "empty", "ftp", "relative", "query",
		},
		registry.NewCloudMap(mapped, "dev", c):                         {"missing", "empty", "ftp", "sick"},
		registry.NewCache(registry.Fixed{"empty": ""}, clock.System{}): {"missing", "empty"},
	} {
		for _, name := range names {
			urls, err := r.Resolve(t.Context(), name)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Transient || f.Code != "ServiceUnknown" {
				t.Errorf("%T: Resolve(%s) = %v, %v; want the transient ServiceUnknown", r, name, urls, err)
			}
		}
	}
}

func TestPlainAddressIsRefusedOutsideLocalAndOneWithAUserAnywhere(t *testing.T) {
	addresses := map[string]string{
		"good": "https://bank.example", "plain": "http://bank.example", "mixed": "https://bank.example,http://bank.example",
		"user": "https://sk_live_1234@bank.example", "password": "https://u:sk_live_1234@bank.example",
		"shouted": "HTTP://bank.example",
	}
	for stage, want := range map[string]map[string]bool{
		"local": {"good": true, "plain": true, "mixed": true, "shouted": true},
		"dev":   {"good": true}, "prod": {"good": true}, "": {"good": true},
	} {
		parameters, services := map[string]string{}, []map[string]string(nil)
		for name, value := range addresses {
			parameters["/orderflow/"+stage+"/services/"+name] = value
			for _, endpoint := range strings.Split(value, ",") {
				services = append(services, map[string]string{name: endpoint})
			}
		}
		stored, c := parameterStore(parameters).serve(t)
		mapped, _ := cloudMap(map[string]map[string][]map[string]string{
			"orderflow-" + stage: {"services": services}}).serve(t)
		both := []registry.Registry{registry.NewParameters(stored, stage, c), registry.NewCloudMap(mapped, stage, c)}
		for _, r := range both {
			for name := range addresses {
				urls, err := r.Resolve(t.Context(), name)
				if want[name] != (err == nil) {
					t.Errorf("%T of stage %q: %s = %q, %v", r, stage, name, urls, err)
				}
				f := fault.From(err)
				if err != nil && (f.Kind != fault.Transient || f.Code != "AddressRefused" ||
					strings.Contains(fmt.Sprintf("%v %+v", err, errors.Unwrap(err)), "sk_live")) {
					t.Errorf("%T of stage %q: %s fails with %v", r, stage, name, err)
				}
			}
		}
	}
}

func TestLookupThatAWSFailsIsRetriedOnce(t *testing.T) {
	for status, want := range map[int]int{500: 2, 503: 2, 400: 1} {
		down := &cloud{answers: map[string]func(map[string]string) (int, string){
			"AmazonSSM.GetParameter": func(map[string]string) (int, string) { return status, `{}` },
		}}
		cfg, c := down.serve(t)
		_, err := registry.NewParameters(cfg, "dev", c).Resolve(t.Context(), "orders")
		if err == nil || down.calls != want {
			t.Errorf("%d: asked %d times, %v; want %d times and an error", status, down.calls, err, want)
		}
	}
}

// hosts is a transport that only notes where requests go.
type hosts []string

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	*h = append(*h, r.URL.String())
	return nil, io.ErrUnexpectedEOF
}

func TestAWSIsCalledAtTheEndpointsOfItsRegion(t *testing.T) {
	for region, suffix := range map[string]string{
		"eu-central-1": "eu-central-1.amazonaws.com/", "cn-north-1": "cn-north-1.amazonaws.com.cn/",
	} {
		var asked hosts
		cfg := config(nil)
		cfg.Region, cfg.HTTPClient = region, &asked
		both := []registry.Registry{
			registry.NewParameters(cfg, "dev", clock.System{}), registry.NewCloudMap(cfg, "dev", clock.System{}),
		}
		for _, r := range both {
			if _, err := r.Resolve(t.Context(), "orders"); err == nil {
				t.Errorf("%T resolved without an answer", r)
			}
		}
		for _, want := range []string{"https://ssm." + suffix, "https://data-servicediscovery." + suffix} {
			if !slices.Contains(asked, want) {
				t.Errorf("asked %s, want %s", strings.Join(asked, " "), want)
			}
		}
	}
}

func wantURLs(t *testing.T, r registry.Registry, name string, want ...string) {
	t.Helper()
	if got, err := r.Resolve(t.Context(), name); !slices.Equal(got, want) || err != nil {
		t.Errorf("Resolve(%s) = %q, %v; want %q", name, got, err, want)
	}
}

func TestFixedPicksTheFirstEndpoint(t *testing.T) {
	at := registry.Fixed{"orders": "https://a/,https://b"}
	if base, done, err := at.Pick(t.Context(), "orders"); err != nil || base != "https://a" {
		t.Errorf("Pick = %q, %v", base, err)
	} else {
		done(true)
	}
	if base, _, err := at.Pick(t.Context(), "payments"); err == nil {
		t.Errorf("Pick of an unknown service = %q", base)
	}
}
