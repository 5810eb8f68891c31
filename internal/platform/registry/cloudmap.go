package registry

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
)

// ours is the Cloud Map service with all addresses of a stage: an instance for each endpoint, whose
// attributes are names and their base URLs.
const ours = "services"

// Attribute is the attribute with the base URL of an instance of a third party's own service.
const Attribute = "url"

// CloudMap is the registry in AWS Cloud Map. The stage's namespace has one service for all names,
// that of the third parties one for each name.
type CloudMap struct {
	api       awsjson.Client
	namespace string
	allowed   transport
}

// NewCloudMap returns the registry of a stage. It looks in the namespace orderflow-<stage>, then in
// orderflow-<stage>-partners, where third parties register themselves.
func NewCloudMap(cfg aws.Config, stage string, c clock.Clock) *CloudMap {
	// Discovery has a host of its own, apart from the rest of Cloud Map's API.
	return &CloudMap{
		api:       awsjson.New(cfg, c, "servicediscovery", "data-servicediscovery", "Route53AutoNaming_v20170314"),
		namespace: "orderflow-" + stage,
		allowed:   transportOf(stage),
	}
}

// Resolve returns the addresses of the instances that are not marked unhealthy: those in the
// stage's namespace, or else those in the third parties'.
func (m *CloudMap) Resolve(ctx context.Context, name string) ([]string, error) {
	raw, err := m.discover(ctx, m.namespace, ours, name)
	if err == nil && raw == nil {
		raw, err = m.discover(ctx, m.namespace+"-partners", name, Attribute)
	}
	if err != nil {
		return nil, unknown(name).Because(err)
	}
	return endpoints(name, raw, m.allowed)
}

// discover returns the values of an attribute of a service's instances, none if there is no such
// service.
func (m *CloudMap) discover(ctx context.Context, namespace, service, attribute string) (raw []string, err error) {
	var out struct {
		Instances []struct{ Attributes map[string]string }
	}
	in := map[string]string{"NamespaceName": namespace, "ServiceName": service, "HealthStatus": "HEALTHY"}
	err = m.api.Call(ctx, "DiscoverInstances", in, &out)
	var refused *awsjson.Error
	if errors.As(err, &refused) && (refused.Code == "ServiceNotFound" || refused.Code == "NamespaceNotFound") {
		return nil, nil
	}
	for _, instance := range out.Instances {
		if base, ok := instance.Attributes[attribute]; ok {
			raw = append(raw, base)
		}
	}
	slices.Sort(raw) // the order of the answer is undefined
	return raw, err
}
