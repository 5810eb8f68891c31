package rpc

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/platform/money"
)

// codes has the code of each kind of fault.
var codes = map[fault.Kind]connect.Code{
	fault.Transient:       connect.CodeUnavailable,
	fault.Invalid:         connect.CodeInvalidArgument,
	fault.Unauthenticated: connect.CodeUnauthenticated,
	fault.Forbidden:       connect.CodePermissionDenied,
	fault.NotFound:        connect.CodeNotFound,
	fault.Conflict:        connect.CodeFailedPrecondition,
	fault.TooLarge:        connect.CodeResourceExhausted,
	fault.Refused:         connect.CodeFailedPrecondition,
	fault.Internal:        connect.CodeInternal,
	fault.Unavailable:     connect.CodeUnavailable,
	fault.TimedOut:        connect.CodeDeadlineExceeded,
	fault.Limited:         connect.CodeResourceExhausted,
}

// exceptions has the codes of problems that are more specific than their kind.
var exceptions = map[string]connect.Code{
	"TotalChanged":         connect.CodeAborted,
	"IdempotencyKeyReused": connect.CodeAlreadyExists,
}

// retryAfter is the shortest wait before a retry, as in the REST API.
const retryAfter = 2 * time.Second

var (
	errDeadline = fault.New(fault.TimedOut, "DeadlineExceeded",
		"the call did not finish in time; it may have taken effect")
	errInternal = fault.New(fault.Internal, "Internal", "an internal error made the call fail")
)

// status gives the error of a call its code and details. It hides the cause.
func status(ctx context.Context, procedure string, err error) error {
	var given *connect.Error
	switch kind := fault.KindOf(err); {
	case errors.As(err, &given):
		return given
	case errors.Is(ctx.Err(), context.Canceled):
		return connect.NewError(connect.CodeCanceled, context.Canceled)
	case kind == fault.Transient || kind == fault.Unavailable || kind == fault.Internal:
		slog.WarnContext(ctx, "an RPC failed", "procedure", procedure, "error", err.Error())
	}
	return encode(public(ctx, err))
}

// public returns the part of an error that the caller may see.
func public(ctx context.Context, err error) *fault.Error {
	f := fault.From(err)
	switch f.Kind {
	case fault.Internal:
		return errInternal
	case fault.TimedOut:
		return errDeadline
	case fault.Transient, fault.Unavailable:
		if deadline.Passed(ctx, err) || errors.Is(err, context.DeadlineExceeded) {
			return errDeadline
		}
		problem := gateway.Explain(err)
		return fault.New(fault.Unavailable, problem.Code, "%s", problem.Detail).After(f.RetryAfter)
	}
	return f
}

// encode writes a fault as an error with details (https://google.aip.dev/193).
func encode(f *fault.Error) *connect.Error {
	code, exceptional := exceptions[f.Code]
	if !exceptional {
		code = codes[f.Kind]
	}
	out := connect.NewError(code, errors.New(f.Detail))
	info := &errdetails.ErrorInfo{Reason: f.Code, Domain: "orderflow"}
	if total, ok := f.Members["total"].(money.Money); ok { // the present one, with TotalChanged
		info.Metadata = map[string]string{"currency": total.Currency, "amount": strconv.FormatInt(total.Amount, 10)}
	}
	detail(out, info)
	var invalid *jsonschema.Invalid
	if errors.As(f, &invalid) {
		detail(out, fields(invalid))
	}
	if f.Kind == fault.Unavailable || f.Kind == fault.Limited {
		detail(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(max(retryAfter, f.RetryAfter))})
	}
	return out
}

func detail(out *connect.Error, message proto.Message) {
	if d, err := connect.NewErrorDetail(message); err == nil { // it is one of ours, so it can be encoded
		out.AddDetail(d)
	}
}

func fields(invalid *jsonschema.Invalid) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	for _, v := range invalid.Violations {
		out.FieldViolations = append(out.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: field(v.Pointer), Description: v.Detail})
	}
	return out
}

// field turns a pointer into REST's request, such as /items/0/unitPrice, into the path of a field,
// items[0].unit_price, and a header's name into that of the metadata.
func field(pointer string) string {
	var path strings.Builder
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if _, err := strconv.Atoi(name); err == nil {
			path.WriteString("[" + name + "]")
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		header := strings.Contains(name, "-")
		for _, r := range name {
			if unicode.IsUpper(r) && !header {
				path.WriteByte('_')
			}
			path.WriteRune(unicode.ToLower(r))
		}
	}
	return path.String()
}
