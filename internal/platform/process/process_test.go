package process

import (
	"crypto/x509"
	"testing"
)

func TestAProcessKnowsPublicAuthoritiesWithoutFiles(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", "/nowhere")
	t.Setenv("SSL_CERT_DIR", "/nowhere")
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		t.Errorf("%v, %v: want the authorities that are built in", roots, err)
	}
}
