package warehouse

import (
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
