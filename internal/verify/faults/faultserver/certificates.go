package faultserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"time"
)

// The bad certificates of a TLS server.
const (
	expired    = "expired"
	selfSigned = "self-signed"
)

// certificates are created for each server. All are self-signed; the client trusts all but the bad
// one of that name.
type certificates struct {
	roots *x509.CertPool
	shown map[string]tls.Certificate
}

func newCertificates() (*certificates, error) {
	c := &certificates{roots: x509.NewCertPool(), shown: map[string]tls.Certificate{}}
	for _, name := range []string{"", expired, selfSigned} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-24 * time.Hour),
			NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		if name == expired {
			template.NotAfter = now.Add(-time.Hour)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			return nil, err
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if name != selfSigned {
			c.roots.AddCert(leaf)
		}
		c.shown[name] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	return c, nil
}

func (c *certificates) config(name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.shown[name]}, MinVersion: tls.VersionTLS12}
}
