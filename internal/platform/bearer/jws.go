package bearer

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// maxToken is the length of the longest token that is looked at, in bytes; a Cognito ID token has one to two thousand.
const maxToken = 8 << 10

// strict decodes one text to one value only: without it, a token could be changed in its last character and stay good.
var strict = base64.RawURLEncoding.Strict()

// token is a JSON Web Signature in its compact form (RFC 7515, section 7.1). Nothing in it is to be believed before verified.
type token struct {
	key       string // id of the key that it says it is signed with
	signed    string // what the signature is over
	payload   string
	signature []byte
}

// parse takes a token apart. The algorithm is never the token's choice: it says RS256, or it is refused.
func parse(text string) (token, error) {
	if len(text) > maxToken {
		return token{}, errors.New("the token is longer than 8 KiB")
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token{}, errors.New("the token has not three parts")
	}
	head, err := object(parts[0])
	if err != nil {
		return token{}, err
	}
	if head["alg"] != "RS256" {
		return token{}, errors.New("the token is not signed with RS256")
	}
	if _, given := head["crit"]; given { // an extension that must be understood (section 4.1.11); none is
		return token{}, errors.New("the token has a critical extension")
	}
	id, _ := head["kid"].(string)
	if id == "" {
		return token{}, errors.New("the token names no key")
	}
	signature, err := strict.DecodeString(parts[2])
	if err != nil {
		return token{}, errors.New("the signature is no base64url")
	}
	return token{key: id, signed: parts[0] + "." + parts[1], payload: parts[1], signature: signature}, nil
}

// verified returns the claims if the signature is that of key.
func (t token) verified(key *rsa.PublicKey) (map[string]any, error) {
	sum := sha256.Sum256([]byte(t.signed))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], t.signature); err != nil {
		return nil, err
	}
	return object(t.payload)
}

// object decodes a part of a token that is a JSON object.
func object(part string) (map[string]any, error) {
	b, err := strict.DecodeString(part)
	if err != nil {
		return nil, errors.New("a part is no base64url")
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, errors.New("a part is no JSON object")
	}
	return m, nil
}
