package registry

import (
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
)

// InCloudMap is the kind of registry that is in AWS Cloud Map. Any other kind is in SSM parameters.
const InCloudMap = "cloud-map"

// Source returns the registry of a stage of that kind, without a cache.
func Source(cfg aws.Config, stage, kind string, c clock.Clock) Registry {
	if kind == InCloudMap {
		return NewCloudMap(cfg, stage, c)
	}
	return NewParameters(cfg, stage, c)
}

// Open returns the balancer over the registry of a stage of that kind.
func Open(cfg aws.Config, stage, kind string, c clock.Clock) *Balancer {
	return NewBalancer(NewCache(Source(cfg, stage, kind, c), c), c, rand.IntN)
}
