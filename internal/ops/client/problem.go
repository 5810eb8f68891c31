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

// Problem is an answer other than 2xx. Where the body is a problem document (RFC 9457), its members are set; Status
// is the status of the answer in any case.
type Problem struct {
	Type     string      `json:"type,omitempty"`
	Title    string      `json:"title"`
	Status   int         `json:"status"`
	Detail   string      `json:"detail,omitempty"`
	Instance string      `json:"instance,omitempty"`
	Code     string      `json:"code,omitempty"`
	Errors   []Violation `json:"errors,omitempty"`
	// Total is what the order would cost now; with TotalChanged only.
	Total *money.Money `json:"total,omitempty"`

	// RetryAfter is how long the server asks to wait; 0 if it does not.
	RetryAfter time.Duration `json:"-"`
	// Body is the answer's body as it came.
	Body []byte `json:"-"`
}

// Violation is one way in which a request does not follow the contract.
type Violation struct {
	// Pointer is a JSON pointer into the body, or the name of a parameter or header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error tells status, code, detail and every violation in one line.
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

func problem(res *http.Response, body []byte) *Problem {
	p := &Problem{}
	// By its members, not by its media type: something in between may have changed that.
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

// excerpt makes one line of at most 200 characters of a body that is no problem document.
func excerpt(body []byte) string {
	text := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " "))
	if len(text) > 200 {
		return string(text[:199]) + "…"
	}
	return string(text)
}
