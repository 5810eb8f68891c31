// Package web is the HTTP edge of the sandbox: JSON in and out, its errors, and the
// adapter that puts an http.Handler behind API Gateway.
package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"orderflow/internal/platform/idempotency"
)

// maxBody bounds the request body that is read, in bytes.
const maxBody = 64 << 10

// Error is an answer other than success.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The errors that both parties answer.
var (
	ErrReference = &Error{http.StatusBadRequest, "invalid_reference", "a reference is 1 to 64 letters, digits, - or _"}
	ErrCursor    = &Error{http.StatusBadRequest, "invalid_cursor", "the cursor is not one that this list returned"}
	ErrInternal  = &Error{http.StatusInternalServerError, "internal", "something went wrong; try again"}

	errKey    = &Error{http.StatusBadRequest, "idempotency_key_required", "Idempotency-Key must be 1 to 255 visible ASCII characters"}
	errReused = &Error{http.StatusUnprocessableEntity, "idempotency_key_reused", "this Idempotency-Key came before with another request"}
	errLarge  = &Error{http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than 64 KiB"}
	errRoute  = &Error{http.StatusNotFound, "no_such_route", "there is no such operation"}
)

// Handle returns a handler that answers with what f returns, or with its error: an *Error
// as it is, any other as 500 with its text in the log only.
func Handle(f func(r *http.Request) (status int, body any, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, err := f(r)
		if err != nil {
			e := known(err)
			if e.Status >= http.StatusInternalServerError {
				slog.ErrorContext(r.Context(), "request failed", "error", err.Error())
			}
			status, body = e.Status, e
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			slog.WarnContext(r.Context(), "answer not sent", "error", err.Error())
		}
	})
}

func known(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, idempotency.ErrKeyReused):
		return errReused
	}
	return ErrInternal
}

// NoRoute answers requests for operations that there are not.
func NoRoute() http.Handler {
	return Handle(func(*http.Request) (int, any, error) { return 0, nil, errRoute })
}

// Decode reads the body as one JSON value with no field that T does not know.
func Decode[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if err == nil && d.More() {
		err = errors.New("there is more than one value")
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return v, errLarge
	case err != nil:
		return v, Invalid("the body cannot be read: " + err.Error())
	}
	return v, nil
}

// Invalid makes the error of a request that breaks the contract.
func Invalid(message string) *Error {
	return &Error{http.StatusBadRequest, "invalid_request", message}
}

// The lengths stand apart, since a bound within an expression makes it slow to compile, at every start.
var (
	reference = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	key       = regexp.MustCompile(`^[\x21-\x7e]+$`)
)

const longestReference, longestKey = 64, 255

// Reference checks a reference, by which a client names what it asks for.
func Reference(s string) (string, error) {
	if len(s) > longestReference || !reference.MatchString(s) {
		return "", ErrReference
	}
	return s, nil
}

// Idempotency identifies a request: its Idempotency-Key, which must be there, within scope.
func Idempotency(r *http.Request, scope string, in any) (idempotency.Request, error) {
	k := r.Header.Get("Idempotency-Key")
	if len(k) > longestKey || !key.MatchString(k) {
		return idempotency.Request{}, errKey
	}
	b, err := json.Marshal(in)
	return idempotency.Request{Scope: scope, Key: k, Hash: idempotency.Hash(b)}, err
}
