package httpapi

import (
	"slices"
	"strings"

	"orderflow/internal/platform/fault"
)

// Operator is the group whose members may run the shop.
const Operator = "operator"

// Identity is a verified caller: the claims of a token that the API's authorizer has verified.
type Identity struct {
	// Subject is the customer id.
	Subject string
	Email   string
	Groups  []string
}

// In reports whether the caller is a member of group.
func (i Identity) In(group string) bool { return slices.Contains(i.Groups, group) }

// MaySee reports whether the caller may see what belongs to customer.
func (i Identity) MaySee(customer string) bool {
	return i.Subject == customer || i.In(Operator)
}

var errIdentity = fault.New(fault.Unauthenticated, "Unauthenticated", "the request carries no verified identity")

// identify reads the identity from what the authorizer left in the request's context. That
// is filled by API Gateway only, never from the request; without it the answer is 401.
func identify(authorizer map[string]any) (Identity, error) {
	claims, _ := authorizer["claims"].(map[string]any)
	subject, _ := claims["sub"].(string)
	// An access token is no proof of who somebody is; API Gateway refuses it, not every emulator does.
	if subject == "" || claims["token_use"] != "id" {
		return Identity{}, errIdentity
	}
	email, _ := claims["email"].(string)
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
