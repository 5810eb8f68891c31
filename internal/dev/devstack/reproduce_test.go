package devstack

import (
	"maps"
	"slices"
	"testing"
)

// `go run ./cmd/dev reproduce` compares all functions, for both architectures and without the build
// cache.
func TestSourcesInAnotherDirectoryGiveTheSamePackages(t *testing.T) {
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	all, err := repo.Functions()
	if err != nil {
		t.Fatal(err)
	}
	some := slices.DeleteFunc(all, func(f Function) bool {
		return !slices.Contains([]string{"reserve-stock", "relay-orders-events", "serve-carrier"}, f.Name)
	})
	if len(some) != 3 {
		t.Fatalf("found only %v", some)
	}
	elsewhere, err := repo.CopyTo(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, err := repo.Sums(t.Context(), nil, HostArchitecture(), some)
	if err != nil {
		t.Fatal(err)
	}
	there, err := elsewhere.Sums(t.Context(), nil, HostArchitecture(), some)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(here, there) {
		t.Errorf("the packages are\n%v and\n%v", here, there)
	}
	if here["reserve-stock"] == here["serve-carrier"] {
		t.Error("two functions have the same package")
	}
}
