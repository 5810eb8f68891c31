package registry

import (
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
)

// InCloudMap is the kind of registry that is in AWS Cloud Map. Any other is in SSM parameters.
const InCloudMap = "cloud-map"

// Source returns the registry of a stage of that kind, which is asked anew each time.
func Source(cfg aws.Config, stage, kind string, c clock.Clock) Registry {
	if kind == InCloudMap {
		return NewCloudMap(cfg, stage, c)
	}
	return NewParameters(cfg, stage, c)
}

// Open returns the services of a stage as the registry of that kind knows them.
func Open(cfg aws.Config, stage, kind string, c clock.Clock) *Balancer {
	return NewBalancer(NewCache(Source(cfg, stage, kind, c), c), c, rand.IntN)
}
