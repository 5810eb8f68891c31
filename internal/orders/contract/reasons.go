package contract

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// reasonsJSON has a text for customers for each reason of an order, by language. Mails and
// storefronts use it.
//
//go:embed reasons.json
var reasonsJSON []byte

var reasons = sync.OnceValue(func() (texts map[string]map[string]string) {
	_ = json.Unmarshal(reasonsJSON, &texts) // a test reads it
	return texts
})

// unexplained is the reason whose text stands in for a missing one.
const unexplained = "INTERNAL"

// Explain returns the text for customers for the reason of an order, in a language: en or de. An
// unknown reason, such as a newer release's, counts as INTERNAL.
func Explain(reason, language string) string {
	text, known := reasons()[reason]
	if !known {
		text = reasons()[unexplained]
	}
	return text[language]
}
