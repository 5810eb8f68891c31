package front

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"orderflow/internal/platform/cfn"
)

// Kinds of answers that the front gives itself, by API Gateway's names.
const (
	unauthorized      = "UNAUTHORIZED"
	missing           = "MISSING_AUTHENTICATION_TOKEN" // no such path or method
	throttled         = "THROTTLED"
	tooLargeBody      = "REQUEST_TOO_LARGE"
	badRequest        = "DEFAULT_4XX"
	integrationFailed = "INTEGRATION_FAILURE"
	integrationLate   = "INTEGRATION_TIMEOUT"
)

// answer is an answer of the front.
type answer struct {
	status int
	header map[string]string
	body   string
}

// section is the part of the contract with the answers.
const section = "\nx-amazon-apigateway-gateway-responses:\n"

// readAnswers reads the answers from the contract. It parses only their section: parsing the whole
// contract would take longer than the rest of the start.
func readAnswers(spec []byte, anyOrigin bool) (map[string]answer, error) {
	begin := bytes.Index(spec, []byte(section))
	if begin < 0 {
		return nil, fmt.Errorf("the contract has no%s", strings.TrimSpace(section))
	}
	text := spec[begin+1:]
	for at := 0; ; { // up to the next line that is not indented
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 || at+end+1 == len(text) {
			break
		}
		at += end + 1
		if text[at] != ' ' && text[at] != '\n' && text[at] != '#' {
			text = text[:at]
			break
		}
	}
	document, err := cfn.Parse(text)
	if err != nil {
		return nil, err
	}
	stack, err := cfn.New(map[string]any{"Conditions": map[string]any{"AllowsOrigins": anyOrigin}}, "", nil)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(stack.Value(document))
	var all struct {
		Responses map[string]struct {
			StatusCode         int
			ResponseParameters map[string]string
			ResponseTemplates  map[string]string
		} `json:"x-amazon-apigateway-gateway-responses"`
	}
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	answers := map[string]answer{}
	for kind, r := range all.Responses {
		a := answer{r.StatusCode, map[string]string{}, r.ResponseTemplates["application/json"]}
		for name, value := range r.ResponseParameters {
			if name, ok := strings.CutPrefix(name, "gatewayresponse.header."); ok {
				a.header[name] = strings.Trim(value, "'")
			}
		}
		answers[kind] = a
	}
	for _, kind := range []string{
		unauthorized, missing, throttled, tooLargeBody, badRequest, integrationFailed, integrationLate,
	} {
		if err == nil && answers[kind].status == 0 {
			err = fmt.Errorf("the contract has no answer %s", kind)
		}
	}
	return answers, err
}

func (a answer) write(w http.ResponseWriter, r *http.Request, id string) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(strings.ReplaceAll(a.body, "$context.requestId", id)))
	}
}

// requestID returns a new UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
