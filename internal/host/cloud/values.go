package cloud

import (
	"context"
	"encoding/json"
	"sync"
)

// Parameters are values that operators may change, such as the table of routes.
type Parameters struct {
	mu  sync.Mutex
	all map[string]parameter
}

type parameter struct {
	Value   string
	Version int64
}

// maxParameters bounds the memory of parameters. The size of a call bounds each of them.
const maxParameters = 100

// Value returns a parameter's value, and whether it exists.
func (p *Parameters) Value(name string) (value string, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, found := p.all[name]
	return kept.Value, found
}

// Put sets a parameter.
func (p *Parameters) Put(name, value string) (version int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.put(name, value)
}

func (p *Parameters) put(name, value string) (version int64) {
	if p.all == nil {
		p.all = map[string]parameter{}
	}
	p.all[name] = parameter{value, p.all[name].Version + 1}
	return p.all[name].Version
}

// call answers the calls of Systems Manager.
func (p *Parameters) call(operation string, body []byte) (any, error) {
	var in struct {
		Name, Value string
		Overwrite   bool
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, found := p.all[in.Name]
	switch {
	case operation == "PutParameter" && found && !in.Overwrite:
		return nil, refuse("ParameterAlreadyExists", "%s", in.Name)
	case operation == "PutParameter" && !found && len(p.all) >= maxParameters:
		return nil, refuse("ParameterLimitExceeded", "there are %d parameters", maxParameters)
	case operation == "PutParameter":
		return map[string]int64{"Version": p.put(in.Name, in.Value)}, nil
	case !found && (operation == "GetParameter" || operation == "DeleteParameter"):
		return nil, refuse("ParameterNotFound", "%s", in.Name)
	case operation == "GetParameter":
		return map[string]parameter{"Parameter": kept}, nil
	case operation == "DeleteParameter":
		delete(p.all, in.Name)
		return struct{}{}, nil
	}
	return nil, unavailable(operation)
}

// secrets answers the one call of Secrets Manager that tools make.
func (c *Cloud) secrets(ctx context.Context, operation string, body []byte) (any, error) {
	var in struct{ SecretId string } //nolint:revive // AWS's name
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	read := c.Secrets[in.SecretId]
	switch {
	case operation != "GetSecretValue":
		return nil, unavailable(operation)
	case read == nil:
		return nil, refuse("ResourceNotFoundException", "there is no secret %s", in.SecretId)
	}
	value, err := read(ctx)
	return map[string]string{"Name": in.SecretId, "SecretString": string(value)}, err
}
