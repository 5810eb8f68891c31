package signature_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/signature"
)

func ExampleVerifier_Verify() {
	v := signature.Verifier{
		Scheme: func(h http.Header) (string, []string) { return h.Get("Time"), h.Values("Signature") },
		Secret: func(context.Context) ([]byte, error) { return []byte("secret"), nil },
		Clock:  clock.At(time.Unix(1_795_424_403, 0)),
	}
	// From: printf '1795424403.{"id":"cb_01"}' | openssl dgst -sha256 -hmac secret
	h := http.Header{"Time": {"1795424403"}, "Signature": {
		"of an older secret", "e76af94f07937574b4c16d13149491d9be6884dc1b82cbb026cd3f80c2d01600",
	}}
	fmt.Println(v.Verify(context.Background(), h, []byte(`{"id":"cb_01"}`)))
	fmt.Println(v.Verify(context.Background(), h, []byte(`{"id":"cb_02"}`)))
	// Output:
	// <nil>
	// InvalidSignature: the signature or timestamp of the webhook is invalid
}
