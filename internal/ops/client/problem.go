package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/money"
)

// Problem is a response other than 2xx. Status is the response's status. The other members are set
// if the body is a problem document (RFC 9457).
type Problem struct {
	Type     string      `json:"type,omitempty"`
	Title    string      `json:"title"`
	Status   int         `json:"status"`
	Detail   string      `json:"detail,omitempty"`
	Instance string      `json:"instance,omitempty"`
	Code     string      `json:"code,omitempty"`
	Errors   []Violation `json:"errors,omitempty"`
	// Total is the order's current total; only with the code TotalChanged.
	Total *money.Money `json:"total,omitempty"`

	// RetryAfter is how long the server asks the caller to wait, or 0.
	RetryAfter time.Duration `json:"-"`
	// Body is the unparsed body.
	Body []byte `json:"-"`
}

// Violation is one violation of the contract by a request.
type Violation struct {
	// Pointer is a JSON pointer into the body, or the name of a parameter or header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error writes status, code, detail and every violation on one line.
func (p *Problem) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %s", p.Status, p.Title)
	if p.Code != "" {
		fmt.Fprintf(&s, " (%s)", p.Code)
	}
	if p.Detail != "" {
		s.WriteString(": " + p.Detail)
	}
	for _, v := range p.Errors {
		fmt.Fprintf(&s, "; %s %s", v.Pointer, v.Detail)
	}
	return s.String()
}

// Temporary reports whether the same call may succeed later.
func (p *Problem) Temporary() bool {
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return p.Status >= 500
}

// Uncertain reports whether the call may have taken effect.
func (p *Problem) Uncertain() bool {
	return p.Status == http.StatusRequestTimeout || p.Status >= 500 && p.Code != "OrdersStopped"
}

func problem(res *http.Response, body []byte) *Problem {
	p := &Problem{}
	// Recognised by its members, since a proxy may have changed the media type.
	if json.Unmarshal(body, p) != nil || (p.Code == "" && p.Title == "") {
		p = &Problem{Detail: excerpt(body)}
	}
	p.Status, p.Body = res.StatusCode, body
	if p.Title == "" {
		p.Title = http.StatusText(res.StatusCode)
	}
	if seconds, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 16); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}

// excerpt shortens a body that is not a problem document to one line of at most 200 characters.
func excerpt(body []byte) string {
	text := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " "))
	if len(text) > 200 {
		return string(text[:199]) + "…"
	}
	return string(text)
}
