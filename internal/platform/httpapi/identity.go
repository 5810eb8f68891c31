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

// Operator is the group of the people who run the shop.
const Operator = "operator"

// Identity is a verified caller. It is read from the claims of a token that the API's authorizer
// has verified, or this function if there is no authorizer.
type Identity struct {
	// Subject is the customer id.
	Subject string
	// Email is empty unless the address is valid and verified: anybody can claim another's address.
	Email  string
	Groups []string
}

// In reports whether the caller is a member of group.
func (i Identity) In(group string) bool { return slices.Contains(i.Groups, group) }

// MaySee reports whether the caller may see data of customer.
func (i Identity) MaySee(customer string) bool {
	return i.Subject == customer || i.In(Operator)
}

var errIdentity = fault.New(fault.Unauthenticated, "Unauthenticated", "the request carries no verified identity")

// tokens verifies bearer tokens. It is nil on stages with an authorizer.
type tokens interface {
	// Verify returns the claims of the token in the values of an Authorization header.
	Verify(ctx context.Context, authorization []string) (map[string]any, error)
}

// Configure reads the environment. If TOKEN_ISSUER is set, as on stages without an authorizer, the
// function verifies bearer tokens itself: TOKEN_KEYS names the parameter with the issuer's key set,
// TOKEN_AUDIENCE the client. OPERATOR_ACTIONS is the log group of audited operations.
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

// challenge adds WWW-Authenticate to a 401 if this function verifies tokens. On other stages API
// Gateway sets it, and would rename a function's header to x-amzn-Remapped-WWW-Authenticate.
func (e *endpoint) challenge(res Response) Response {
	if res.Status == http.StatusUnauthorized && e.tokens != nil {
		res.Header["WWW-Authenticate"] = "Bearer"
	}
	return res
}

// caller identifies the caller by the authorizer's claims, or by the bearer token if there are
// none. Invalid claims are not overridden by a valid token.
func (e *endpoint) caller(ctx context.Context, authorizer map[string]any, authorization []string) (Identity, error) {
	if _, present := authorizer["claims"]; !present && e.tokens != nil {
		claims, err := e.tokens.Verify(ctx, authorization)
		if err != nil {
			slog.DebugContext(ctx, "bearer token not accepted", "error", err.Error())
			return Identity{}, err
		}
		authorizer = map[string]any{"claims": claims}
	}
	return identify(authorizer)
}

// identify reads the identity from the authorizer's part of the request's context, which only API
// Gateway fills. Without an identity the response is 401.
func identify(authorizer map[string]any) (Identity, error) {
	claims, _ := authorizer["claims"].(map[string]any)
	subject, _ := claims["sub"].(string)
	// An access token does not prove identity. API Gateway rejects it, but not every emulator does.
	if !validClaim("sub", subject) || claims["token_use"] != "id" {
		return Identity{}, errIdentity
	}
	email, _ := claims["email"].(string)
	if !validClaim("email", email) || !verified(claims["email_verified"]) {
		email = ""
	}
	return Identity{Subject: subject, Email: email, Groups: groups(claims["cognito:groups"])}, nil
}

// groups reads the claim: a string such as "a,b" from API Gateway, a list in the token itself.
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
