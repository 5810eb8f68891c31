package faultserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// The bad certificates of a TLS server.
const (
	expired    = "expired"
	selfSigned = "self-signed"
)

// certificates are created for each server.
type certificates struct {
	roots *x509.CertPool
	shown map[string]tls.Certificate
}

func newCertificates() (*certificates, error) {
	ca, err := issue(nil, time.Hour)
	if err != nil {
		return nil, err
	}
	c := &certificates{roots: x509.NewCertPool(), shown: map[string]tls.Certificate{}}
	c.roots.AddCert(ca.Leaf)
	for name, make := range map[string]struct {
		by  *tls.Certificate
		ttl time.Duration
	}{"": {ca, time.Hour}, expired: {ca, -time.Hour}, selfSigned: {nil, time.Hour}} {
		cert, err := issue(make.by, make.ttl)
		if err != nil {
			return nil, err
		}
		c.shown[name] = *cert
	}
	return c, nil
}

func (c *certificates) config(name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.shown[name]}, MinVersion: tls.VersionTLS12}
}

// issue creates a certificate for 127.0.0.1 that expires after ttl, signed by another one or
// self-signed.
func issue(by *tls.Certificate, ttl time.Duration) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "faultserver"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(ttl),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
