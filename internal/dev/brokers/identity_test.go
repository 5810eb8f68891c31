package brokers

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestAnIdentityIsMadeOnceAndKeptSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "brokers")
	first, err := loadIdentity(dir, "one")
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadIdentity(dir, "one")
	if err != nil || again != first {
		t.Errorf("another one, %v", err)
	}
	passwords := map[string]bool{}
	for _, a := range []Account{first.Admin, first.Reporting, first.Orderflow, first.Warehouse} {
		passwords[a.Password] = true
	}
	if len(passwords) != 4 || passwords[""] {
		t.Errorf("%d different passwords", len(passwords))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestTheCertificateIsForThisMachineOnly(t *testing.T) {
	i, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(i.Certificate), []byte(i.Key))
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string]bool{"127.0.0.1": true, "localhost": true, "192.0.2.1": false,
		"example.com": false} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: i.TLS().RootCAs, DNSName: name}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: other.TLS().RootCAs}); err == nil {
		t.Error("another authority vouches for it")
	}
}

func TestDataOfAnotherEmulatorIsRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, owner := range []string{"one", "two"} {
		if _, err := loadIdentity(dir, owner); err != nil {
			t.Fatal(err)
		}
	}
	two, err := loadIdentity(dir, "two")
	if err != nil {
		t.Fatal(err)
	}
	if err := two.removeOthers(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "data"))
	if err != nil || len(left) != 1 || left[0].Name() != "two" {
		t.Errorf("%v, %v", left, err)
	}
}
