package handler

import (
	"context"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/step"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/contract"
	"orderflow/internal/reporting/kafka"
	"orderflow/internal/reporting/stepfunctions"
)

// BuildGeneration builds the function build-generation.
func BuildGeneration(env *function.Env) function.Handler {
	return buildGeneration(rebuilds(env, kafka.NewLog(kafka.FromEnv(env), reporting.Topics...), nil))
}

func buildGeneration(svc *reporting.Rebuilds) function.Handler {
	type in struct {
		Generation int64 `json:"generation"`
	}
	type out struct {
		Building bool `json:"building"` // there is more to read
		Serving  bool `json:"serving"`  // there are older ones to remove
	}
	return step.Handle(func(ctx context.Context, in in) (out, error) {
		state, err := svc.Build(ctx, in.Generation)
		return out{state == reporting.Building, state == reporting.Switched}, err
	})
}

// RemoveGeneration builds the function remove-generation.
func RemoveGeneration(env *function.Env) function.Handler {
	return removeGeneration(rebuilds(env, nil, nil))
}

func removeGeneration(svc *reporting.Rebuilds) function.Handler {
	type out struct {
		More bool `json:"more"`
	}
	return step.Handle(func(ctx context.Context, _ struct{}) (out, error) {
		more, err := svc.RemoveOld(ctx)
		return out{more}, err
	})
}

func fromRebuild(r reporting.Rebuild) contract.Rebuild {
	form := contract.Rebuild{
		Generation: r.Generation, State: string(r.State), By: r.By, StartedAt: r.StartedAt, UpdatedAt: r.UpdatedAt,
		Read: r.Read, Total: r.Total,
	}
	if !r.Since.IsZero() {
		form.CompleteSince = &r.Since
	}
	return form
}

// StartRebuild builds the function start-rebuild.
func StartRebuild(env *function.Env) function.Handler {
	return startRebuild(rebuilds(env, nil, stepfunctions.FromEnv(env)))
}

func startRebuild(svc *reporting.Rebuilds) function.Handler {
	type body struct {
		Fresh bool `json:"fresh"`
	}
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		var in body
		if len(r.Body) > 0 {
			var err error
			if in, err = httpapi.Decode[body](r); err != nil {
				return httpapi.Response{}, err
			}
		}
		started, err := svc.Start(ctx, r.Caller.Subject, in.Fresh)
		return httpapi.Accepted(r.Member("latest"), fromRebuild(started)), err
	}
	return httpapi.WithPreflights(httpapi.Handle("startRebuild", handle))
}

// StopRebuild builds the function stop-rebuild.
func StopRebuild(env *function.Env) function.Handler { return stopRebuild(rebuilds(env, nil, nil)) }

func stopRebuild(svc *reporting.Rebuilds) function.Handler {
	handle := func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		stopped, err := svc.Stop(ctx)
		return httpapi.OK(fromRebuild(stopped)), err
	}
	return httpapi.WithPreflights(httpapi.Handle("stopRebuild", handle))
}

// GetRebuild builds the function get-rebuild.
func GetRebuild(env *function.Env) function.Handler { return getRebuild(reader(env)) }

func getRebuild(svc *reporting.Service) function.Handler {
	handle := func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		r, err := svc.Rebuild(ctx)
		return httpapi.OK(fromRebuild(r)), err
	}
	return httpapi.WithPreflights(httpapi.Handle("getRebuild", handle))
}
