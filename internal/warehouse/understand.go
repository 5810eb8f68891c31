package warehouse

import (
	"encoding/json"
	"maps"
	"regexp"
	"sync"

	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/warehouse/contract"
)

// visible matches what inventory accepts as an idempotency key. A message id is shorter, because it
// is part of a reason.
var visible = regexp.MustCompile(`^[!-~]+$`)

const maxMessageID = 64

// schemas returns the schemas of the messages that the warehouse sends.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	all := map[string]*jsonschema.Schema{}
	for _, kind := range received {
		text, err := contract.Messages.ReadFile("messages/" + kind + ".json")
		if err != nil {
			return nil, err
		}
		if all[kind], err = jsonschema.Parse(text); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// understand returns why a message cannot be handled. The reason names fields and rules but no
// values, which may be personal data.
func understand(m Message) error {
	if len(m.ID) > maxMessageID || !visible.MatchString(m.ID) || !jsonschema.NoCardNumber.Holds(m.ID) {
		return errNoID
	}
	all, err := schemas()
	if err != nil {
		return err
	}
	schema, ok := all[m.Type]
	if !ok {
		return errUnknownType
	}
	if err := schema.Validate(m.Body); err != nil {
		return errBody.Because(err)
	}
	return nil
}

// bodyOf reads the members of a body that its schema has validated: those whose names are exactly
// T's. Package json would also take members with names in another case, which nobody has validated.
func bodyOf[T any](m Message) (data T, err error) {
	var given, exact map[string]json.RawMessage
	names, err := json.Marshal(data)
	if err == nil {
		err = json.Unmarshal(names, &exact)
	}
	if err != nil {
		return data, err
	}
	if json.Unmarshal(m.Body, &given) != nil {
		return data, errBody
	}
	maps.DeleteFunc(given, func(name string, _ json.RawMessage) bool {
		_, named := exact[name]
		return !named
	})
	// The errors would quote values, such as a number of half a megabyte.
	if body, err := json.Marshal(given); err != nil || json.Unmarshal(body, &data) != nil {
		return data, errBody
	}
	return data, nil
}
