// Package web is the HTTP edge of the sandbox: JSON requests and responses, errors, and the adapter
// that serves an http.Handler behind API Gateway.
package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"orderflow/internal/platform/idempotency"
)

// maxBody bounds a request body, in bytes.
const maxBody = 64 << 10

// Error is an error response.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The errors of both third parties.
var (
	ErrReference = &Error{http.StatusBadRequest, "invalid_reference", "a reference is 1 to 64 letters, digits, - or _"}
	ErrCursor    = &Error{http.StatusBadRequest, "invalid_cursor", "the cursor was not returned by this list"}
	ErrInternal  = &Error{http.StatusInternalServerError, "internal", "something went wrong; try again"}

	errKey = &Error{http.StatusBadRequest, "idempotency_key_required",
		"Idempotency-Key must be 1 to 255 visible ASCII characters"}
	errReused = &Error{http.StatusUnprocessableEntity, "idempotency_key_reused",
		"this Idempotency-Key was used for another request"}
	errLarge = &Error{http.StatusRequestEntityTooLarge, "body_too_large", "the body exceeds 64 KiB"}
	errRoute = &Error{http.StatusNotFound, "no_such_route", "no such operation"}
)

// Operation answers a request with a status and a body.
type Operation func(r *http.Request) (status int, body any, err error)

// Handle returns a handler that responds with the result of f. It responds to an *Error with its
// contents, and to any other error with 500, and logs the error.
func Handle(f Operation) http.Handler { return HandleAs(func(e *Error) any { return e }, f) }

// HandleAs is Handle for a third party with its own error format.
func HandleAs(form func(*Error) any, f Operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, err := f(r)
		if err != nil {
			e := publicError(err)
			if e.Status >= http.StatusInternalServerError {
				slog.ErrorContext(r.Context(), "request failed", "error", err.Error())
			}
			status, body = e.Status, form(e)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			slog.WarnContext(r.Context(), "response not sent", "error", err.Error())
		}
	})
}

// HandleReference returns a handler of the operation f on the reference in the path or the query.
func HandleReference(f func(ctx context.Context, reference string) (body any, err error)) http.Handler {
	return Handle(func(r *http.Request) (int, any, error) {
		reference, err := Reference(cmp.Or(r.PathValue("reference"), r.URL.Query().Get("reference")))
		if err != nil {
			return 0, nil, err
		}
		body, err := f(r.Context(), reference)
		return http.StatusOK, body, err
	})
}

// StatusOf returns the status of the response to an error.
func StatusOf(err error) int { return publicError(err).Status }

func publicError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, idempotency.ErrKeyReused):
		return errReused
	}
	return ErrInternal
}

// Unknown is the Operation for all requests that no other serves.
func Unknown(*http.Request) (int, any, error) { return 0, nil, errRoute }

// NoRoute responds to requests for unknown operations.
func NoRoute() http.Handler { return Handle(Unknown) }

// Decode decodes and validates the body, and identifies the request by its Idempotency-Key within
// scope.
func Decode[T interface{ Validate() error }](r *http.Request, scope string) (T, idempotency.Request, error) {
	v, err := Body[T](r)
	if err != nil {
		return v, idempotency.Request{}, err
	}
	key, err := Idempotency(r, scope, v)
	return v, key, err
}

// Body decodes and validates the body: one JSON value without unknown fields.
func Body[T interface{ Validate() error }](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return v, errLarge
	case err != nil:
		return v, Invalid("the body is not valid: " + err.Error())
	}
	return v, v.Validate()
}

// Invalid returns the error of a request that violates the contract.
func Invalid(message string) *Error {
	return &Error{http.StatusBadRequest, "invalid_request", message}
}

// Lengths are checked separately: a bounded repetition makes an expression slow to compile, at
// every start.
var (
	reference = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	key       = regexp.MustCompile(`^[\x21-\x7e]+$`)
)

const maxReference, maxKey = 64, 255

// Reference returns s if it is a valid reference, the client's own name of a charge or shipment.
func Reference(s string) (string, error) {
	if len(s) > maxReference || !reference.MatchString(s) {
		return "", ErrReference
	}
	return s, nil
}

// Idempotency identifies a request by its Idempotency-Key, which is required, within scope.
func Idempotency(r *http.Request, scope string, in any) (idempotency.Request, error) {
	k := r.Header.Get("Idempotency-Key")
	if len(k) > maxKey || !key.MatchString(k) {
		return idempotency.Request{}, errKey
	}
	b, err := json.Marshal(in)
	return idempotency.Request{Scope: scope, Key: k, Hash: idempotency.Hash(b)}, err
}
