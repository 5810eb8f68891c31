package api

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/platform/jcs"
	"orderflow/internal/platform/jsonschema"
)

// Validate validates a request. path maps the names of path parameters to their unescaped values.
// The error is an *InvalidRequest, or the error of reading the body.
//
// The caller must limit the size of the body. After a nil error r.Body reads the body in canonical
// form (RFC 8785). So bodies that mean the same have the same bytes, and whole numbers such as 7.0
// are written as 7 and decode into Go's integers. If the body is optional, an empty object becomes
// an empty body. An opaque body is left as it is.
func (op *Operation) Validate(r *http.Request, path map[string]string) error {
	found := &InvalidRequest{}
	op.checkParameters(r, path, found)
	body, err := read(r)
	if err != nil {
		return err
	}
	op.checkBody(r, body, found)
	if len(found.Violations) > 0 {
		return found
	}
	return nil
}

func (op *Operation) checkParameters(r *http.Request, path map[string]string, found *InvalidRequest) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		found.Add(jsonschema.Malformed, "", "the query string is malformed")
	}
	for _, p := range op.Parameters {
		var values []string
		switch p.In {
		case "path":
			if v, ok := path[p.Name]; ok {
				values = []string{v}
			}
		case "query":
			values = query[p.Name]
			delete(query, p.Name)
		case "header":
			values = r.Header.Values(p.Name)
		}
		p.check(values, found)
	}
	if op.Tolerant {
		return
	}
	unknown := make([]string, 0, len(query))
	for name := range query {
		unknown = append(unknown, jsonschema.Escape(name))
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		found.Add(jsonschema.Unknown, name, "is not a query parameter of this operation")
	}
}

func (p *Parameter) check(values []string, found *InvalidRequest) {
	switch {
	case len(values) == 0 && p.Required:
		found.Add(jsonschema.Missing, p.Name, "is required")
	case len(values) == 0:
	case len(values) > 1:
		found.Add(jsonschema.TooMany, p.Name, "must be given once")
	case p.Schema.Type == "integer":
		n, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != values[0] { // unlike JSON, ParseInt accepts +5 and 05
			found.Add(jsonschema.WrongType, p.Name, "must be an integer")
			return
		}
		p.Schema.Check(p.Name, n, found)
	case p.Schema.Type == "array": // style form, not exploded
		var list []any
		for part := range strings.SplitSeq(values[0], ",") {
			list = append(list, part)
		}
		p.Schema.Check(p.Name, list, found)
	default:
		p.Schema.Check(p.Name, values[0], found)
	}
}

func (op *Operation) checkBody(r *http.Request, body []byte, found *InvalidRequest) {
	switch {
	case op.Opaque:
		setBody(r, body)
	case op.Body == nil && len(body) > 0:
		found.Add(jsonschema.Unknown, "", "this operation takes no body")
	case op.Body == nil:
	case len(body) == 0 && op.BodyOptional:
	case len(body) == 0:
		found.Add(jsonschema.Missing, "", "a JSON body is required")
	case !isJSON(r.Header.Get("Content-Type")):
		found.Add(jsonschema.WrongFormat, "Content-Type", "must be application/json")
	default:
		value, err := jsonschema.Decode(body)
		if err != nil {
			found.Add(jsonschema.Malformed, "", "%s", err)
			return
		}
		plain := jcs.Append(nil, value)
		if fields, ok := value.(map[string]any); ok && len(fields) == 0 && op.BodyOptional {
			plain = nil // the same request as one without a body
		}
		setBody(r, plain)
		op.Body.Check("", value, found)
	}
}

// isJSON accepts application/json in UTF-8, the default charset.
func isJSON(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	return err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// read returns the body, or nil if there is none.
func read(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // everything is read
	return body, err
}

func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
}
