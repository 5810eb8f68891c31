package rpc

import (
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var errJSON = errors.New("the body is not JSON of the method's request")

// jsonCodec is connect's codec, except that its errors do not repeat what the caller sent.
type jsonCodec string

var _ connect.Codec = jsonCodec("")

// Name implements connect.Codec.
func (c jsonCodec) Name() string { return string(c) }

// Marshal implements connect.Codec.
func (jsonCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errJSON
	}
	return protojson.Marshal(m)
}

// Unmarshal implements connect.Codec. Unknown fields are those of a newer client.
func (jsonCodec) Unmarshal(b []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok || (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, m) != nil {
		return errJSON
	}
	return nil
}
