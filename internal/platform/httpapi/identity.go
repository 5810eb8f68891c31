package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"orderflow/internal/platform/audit"
	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/registry"
)

// Operator is the group whose members may run the shop.
const Operator = "operator"

// Identity is a verified caller: the claims of a token that the API's authorizer has verified, or this function where there is none.
type Identity struct {
	// Subject is the customer id.
	Subject string
	// Email is empty where the caller has no address, or none that is verified and can be written to: everybody can claim
	// somebody else's.
	Email  string
	Groups []string
}

// In reports whether the caller is a member of group.
func (i Identity) In(group string) bool { return slices.Contains(i.Groups, group) }

// MaySee reports whether the caller may see what belongs to customer.
func (i Identity) MaySee(customer string) bool {
	return i.Subject == customer || i.In(Operator)
}

var errIdentity = fault.New(fault.Unauthenticated, "Unauthenticated", "the request carries no verified identity")

// tokens verifies bearer tokens; nil where an authorizer does.
type tokens interface {
	// Verify returns the claims of the token in the values of an Authorization header.
	Verify(ctx context.Context, authorization []string) (map[string]any, error)
}

// Configure takes from the environment the origins whose pages may call, and has the function verify bearer tokens itself where
// the environment names their issuer, which is so on stages without an authorizer only. TOKEN_KEYS is the parameter with the
// issuer's key set, TOKEN_AUDIENCE the client. Where operators' calls are audited, OPERATOR_ACTIONS is the log group.
func (e *endpoint) Configure(env *function.Env) {
	if e.err != nil {
		env.Fail(e.err)
	}
	e.origins = allowedOrigins(env)
	if e.op.Audited {
		e.trail = audit.New(env.AWS(), env.Require("OPERATOR_ACTIONS"), env.Clock, env.IDs)
	}
	issuer := env.Optional("TOKEN_ISSUER")
	if issuer == "" || e.op.Public {
		return
	}
	keys := bearer.NewKeys(registry.Parameter(env.AWS(), env.Require("TOKEN_KEYS"), env.Clock), env.Clock)
	e.tokens = bearer.New(issuer, env.Require("TOKEN_AUDIENCE"), keys, env.Clock)
}

// challenge says by which scheme to authenticate, where this function verifies tokens. Elsewhere API Gateway does, and says
// so in its own answers; from a function it would pass the header on under another name (x-amzn-Remapped-WWW-Authenticate).
func (e *endpoint) challenge(res Response) Response {
	if res.Status == http.StatusUnauthorized && e.tokens != nil {
		res.Header["WWW-Authenticate"] = "Bearer"
	}
	return res
}

// caller identifies who sends the request: by the authorizer's claims, or by the bearer token where no authorizer has left any.
// Whatever an authorizer has left counts, good or not: a token is no second chance.
func (e *endpoint) caller(ctx context.Context, authorizer map[string]any, authorization []string) (Identity, error) {
	if _, judged := authorizer["claims"]; !judged && e.tokens != nil {
		claims, err := e.tokens.Verify(ctx, authorization)
		if err != nil {
			slog.DebugContext(ctx, "bearer token not accepted", "error", err.Error())
			return Identity{}, err
		}
		authorizer = map[string]any{"claims": claims}
	}
	return identify(authorizer)
}

// identify reads the identity from what the authorizer left in the request's context. That
// is filled by API Gateway only, never from the request; without it the answer is 401.
func identify(authorizer map[string]any) (Identity, error) {
	claims, _ := authorizer["claims"].(map[string]any)
	subject, _ := claims["sub"].(string)
	// An access token is no proof of who somebody is; API Gateway refuses it, not every emulator does.
	if !usable("sub", subject) || claims["token_use"] != "id" {
		return Identity{}, errIdentity
	}
	email, _ := claims["email"].(string)
	if !usable("email", email) || !verified(claims["email_verified"]) {
		email = ""
	}
	return Identity{Subject: subject, Email: email, Groups: groups(claims["cognito:groups"])}, nil
}

// groups reads the claim, which API Gateway passes on as one string such as "a,b", and others as a list.
func groups(claim any) []string {
	switch v := claim.(type) {
	case string:
		return strings.FieldsFunc(strings.Trim(v, "[]"), func(r rune) bool { return r == ',' || r == ' ' })
	case []any:
		var names []string
		for _, g := range v {
			if s, ok := g.(string); ok {
				names = append(names, s)
			}
		}
		return names
	}
	return nil
}
