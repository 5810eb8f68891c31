package brokers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const identityFile = "identity.json"

// identity holds the certificates, accounts and ids of a stack's brokers. It is created once.
type identity struct {
	dir   string
	owner string // of the data
	// CA is the authority's certificate. Its key is not kept.
	CA string `json:"ca"`
	// Certificate and Key are used by both brokers.
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	// ClusterID is the id of the Kafka cluster.
	ClusterID string `json:"clusterId"`
	// Admin may do everything in both brokers: it creates topics and serves tests. Reporting reads
	// and writes topics.
	Admin     Account `json:"admin"`
	Reporting Account `json:"reporting"`
	// Orderflow and Warehouse are the accounts of the two sides of RabbitMQ.
	Orderflow Account `json:"orderflow"`
	Warehouse Account `json:"warehouse"`
}

// loadIdentity returns the identity kept in dir, and makes one if there is none.
func loadIdentity(dir, owner string) (i identity, err error) {
	file := filepath.Join(dir, identityFile)
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if i, err = newIdentity(); err == nil {
			data, err = json.Marshal(i)
		}
		if err == nil {
			err = errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(file, data, 0o600))
		}
	case err == nil:
		err = json.Unmarshal(data, &i)
	}
	if err != nil {
		return identity{}, fmt.Errorf("the identity of the brokers: %w", err)
	}
	i.dir, i.owner = dir, owner
	if err := os.MkdirAll(i.data("rabbitmq"), 0o700); err != nil {
		return identity{}, err
	}
	return i, i.write("ca.pem", i.CA, "server.pem", i.Certificate, "server.key", i.Key,
		"keystore.pem", i.Key+i.Certificate+i.CA)
}

// write writes files of the brokers: pairs of a name and its content.
func (i identity) write(pairs ...string) (err error) {
	for n := 0; n < len(pairs); n += 2 {
		err = errors.Join(err, os.WriteFile(i.file(pairs[n]), []byte(pairs[n+1]), 0o600))
	}
	return err
}

func (i identity) file(name string) string { return filepath.Join(i.dir, name) }

// data is the directory of a broker's data.
func (i identity) data(broker string) string { return i.file(filepath.Join("data", i.owner, broker)) }

// removeOthers removes the data of earlier owners.
func (i identity) removeOthers() error {
	entries, err := os.ReadDir(i.file("data"))
	for _, entry := range entries {
		if entry.Name() != i.owner {
			err = errors.Join(err, os.RemoveAll(i.file(filepath.Join("data", entry.Name()))))
		}
	}
	return err
}

// TLS accepts servers of this authority only.
func (i identity) TLS() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(i.CA))
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// commonName is the subject of the brokers' certificate.
const commonName = "orderflow-brokers"

// newIdentity makes an authority, a certificate for servers on this machine, and accounts.
func newIdentity() (i identity, err error) {
	ca, caKey, err := certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "orderflow local brokers"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return identity{}, err
	}
	server, key, err := certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: commonName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		// Kafka connects to itself as its own controller.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, ca, caKey)
	if err != nil {
		return identity{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return identity{}, err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	account := func(name string) Account { return Account{Username: name, Password: rand.Text()} }
	return identity{
		CA: encode("CERTIFICATE", ca.Raw), Certificate: encode("CERTIFICATE", server.Raw),
		Key:       encode("PRIVATE KEY", private),
		ClusterID: base64.RawURLEncoding.EncodeToString(id),
		Admin:     account("admin"), Reporting: account("reporting"),
		Orderflow: account("orderflow"), Warehouse: account("warehouse"),
	}, nil
}

// certify returns a certificate by an authority, or by itself without one, and its new key.
func certify(
	template, authority *x509.Certificate, by *ecdsa.PrivateKey,
) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if authority == nil {
		authority, by = template, key
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.AddDate(2, 0, 0)
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, by)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	return made, key, err
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
