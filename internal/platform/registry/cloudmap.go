package registry

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
)

// Attribute is the attribute of an instance in Cloud Map that has its base URL.
const Attribute = "url"

// CloudMap is the registry in AWS Cloud Map: a service in a namespace for each name, an
// instance of it for each endpoint.
type CloudMap struct {
	api        awsjson.Client
	namespaces []string
	allowed    transport
}

// NewCloudMap returns the registry of a stage. It looks in the namespace orderflow-<stage>, then in
// orderflow-<stage>-partners, where third parties register themselves.
func NewCloudMap(cfg aws.Config, stage string, c clock.Clock) *CloudMap {
	// Discovery has a host of its own, apart from the rest of Cloud Map's API.
	return &CloudMap{
		api:        awsjson.New(cfg, c, "servicediscovery", "data-servicediscovery", "Route53AutoNaming_v20170314"),
		namespaces: []string{"orderflow-" + stage, "orderflow-" + stage + "-partners"},
		allowed:    transportOf(stage),
	}
}

// Resolve returns the addresses of the instances that are not marked unhealthy, in the first
// namespace that has the service.
func (m *CloudMap) Resolve(ctx context.Context, name string) ([]string, error) {
	err := error(unknown(name))
	for _, namespace := range m.namespaces {
		var urls []string
		urls, err = m.discover(ctx, namespace, name)
		var refused *awsjson.Error
		if !errors.As(err, &refused) || refused.Code != "ServiceNotFound" && refused.Code != "NamespaceNotFound" {
			return urls, err
		}
	}
	return nil, err
}

func (m *CloudMap) discover(ctx context.Context, namespace, name string) ([]string, error) {
	var out struct {
		Instances []struct{ Attributes map[string]string }
	}
	in := map[string]string{"NamespaceName": namespace, "ServiceName": name, "HealthStatus": "HEALTHY"}
	if err := m.api.Call(ctx, "DiscoverInstances", in, &out); err != nil {
		return nil, unknown(name).Because(err)
	}
	var raw []string
	for _, instance := range out.Instances {
		raw = append(raw, instance.Attributes[Attribute])
	}
	slices.Sort(raw) // the order of the answer is undefined
	return endpoints(name, raw, m.allowed)
}
