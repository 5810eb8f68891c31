// Package handler builds the function serve-rpc. It is a package of its own because others need not
// link, and start, protobuf.
package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"orderflow/internal/gateway/rpc"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
)

// ServeRpc composes the function serve-rpc.
func ServeRpc(env *function.Env) function.Handler {
	return Serve(rpc.New(services.New(outbound.New(env, "gateway", ddb.FromEnv(env)).To), nil))
}

const (
	grpcWeb = "application/grpc-web"
	// grpcWebText is gRPC-Web in base64, which package connect does not know.
	grpcWebText = "application/grpc-web-text"
)

var (
	// binaryMedia are the media types that API Gateway hands over in base64 (BinaryMediaTypes).
	binaryMedia = []string{"application/proto", grpcWeb, grpcWeb + "+proto", grpcWeb + "+json"}
	textMedia   = []string{"application/json", grpcWebText, grpcWebText + "+proto"}
)

var (
	errMedia = fault.New(fault.NotFound, "NotServed",
		"this address serves Connect without streams, and gRPC-Web; streams and gRPC have an address of their own")
	errMethod = fault.New(fault.NotFound, "UnknownMethod", "there is no such method")
	errAccept = connect.NewError(connect.CodeInvalidArgument,
		errors.New("the header Accept must begin with the media type of the request, so that binary can be returned"))
	errBase64 = connect.NewError(connect.CodeInvalidArgument, errors.New("the body must be base64"))
)

// Serve returns the function that serves h.
func Serve(h http.Handler) function.Handler {
	errorWriter := connect.NewErrorWriter()
	return httpapi.Handle("serveRpc", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // "" is not served either
		isBinary, isText := slices.Contains(binaryMedia, media), strings.HasPrefix(media, grpcWebText)
		if !isBinary && !slices.Contains(textMedia, media) {
			return httpapi.Response{}, errMedia
		}
		body, err := r.Body, error(nil)
		if isText {
			body, err = decode(body)
			media = grpcWeb
		}
		to := "/" + r.Path["service"] + "/" + r.Path["method"]
		in, failed := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
		if failed != nil {
			return httpapi.Response{}, failed
		}
		in.Header = r.Header.Clone()
		in.Header.Set("Content-Type", media)
		in.Header.Del("Accept-Encoding") // API Gateway would take what is compressed for text
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		switch {
		case err != nil:
			err = errorWriter.Write(w, in, errBase64)
		case isBinary && !slices.Contains(binaryMedia, preferred(r.Header)):
			err = errorWriter.Write(w, in, errAccept)
		default:
			h.ServeHTTP(w, in)
		}
		switch {
		case w.status == http.StatusUnsupportedMediaType: // a stream, by a media type of unary calls
			return httpapi.Response{}, errMedia
		case strings.HasPrefix(w.header.Get("Content-Type"), "text/plain"): // connect's 404
			return httpapi.Response{}, errMethod
		}
		if isText {
			w.header.Set("Content-Type", grpcWebText+"+proto")
			w.body = *bytes.NewBufferString(base64.StdEncoding.EncodeToString(w.body.Bytes()))
		}
		return w.response(), err
	})
}

// preferred returns the first media type of Accept, the only one that API Gateway looks at.
func preferred(h http.Header) string {
	first, _, _ := strings.Cut(h.Get("Accept"), ",")
	media, _, _ := mime.ParseMediaType(first)
	return media
}

// decode decodes base64, which may be in several padded parts.
func decode(text []byte) ([]byte, error) {
	var all []byte
	for part := range slices.Chunk(text, 4) {
		b, err := base64.StdEncoding.DecodeString(string(part))
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// recorder keeps what an http.Handler writes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *recorder) response() httpapi.Response {
	header := map[string]string{}
	for name, values := range w.header {
		header[name] = strings.Join(values, ", ")
	}
	return httpapi.Response{Status: w.status, Header: header, Body: httpapi.Bytes(w.body.Bytes())}
}
