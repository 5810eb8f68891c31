// Package checkout tests the example checkout in Chromium, as customers use it, against any system
// that serves the contract. axe checks each step for accessibility.
package checkout

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/money"
)

// System is the system under test.
type System struct {
	Customer, Operator *client.Client
	// Origin is an origin whose pages may call the system. The page is served there, whatever its
	// real address.
	Origin string
	// Instant says that waits of the page take no time.
	Instant bool
	// Skip moves the system's clock forward. If it is nil, no customer stays away until the
	// deadline of a payment.
	Skip func(time.Duration)
}

// customer is the page that uses the checkout and reports its observations.
//
//go:embed customer.html
var customer []byte

// away exceeds the time that a customer has to authenticate.
const away = 11 * time.Minute

// want is what customers must see; abandoned is what a customer who stays away must see.
const (
	want = `start: looked at, violations []
A-LAMP only a few left, A-MUG in stock, A-SHIRT in stock
LAST lam finds A-MUG, A-LAMP
found: looked at, violations []
 finds A-LAMP, A-MUG, A-SHIRT
A-MUG €39.98: Thank you! Your order is confirmed. ` + confirmed + `
A-MUG: looked at, violations []
A-LAMP €1,043.00: Your order ended: Some of it is no longer in stock. placed, REJECTED, 6 × A-LAMP were missing
A-LAMP: looked at, violations []
A-MUG €19.99: Your order ended: The payment was declined. Please try another payment method. placed, REJECTED
A-MUG: looked at, violations []
` + asked + `
A-SHIRT €25.00: Thank you! Your order is confirmed. ` + confirmed + `
A-SHIRT: looked at, violations []
` + asked + `
A-SHIRT €25.00: Your order ended: The payment was declined. Please try another payment method. placed, REJECTED
A-SHIRT: looked at, violations []
` + asked + `
A-SHIRT €25.00: Your order ended: We cancelled it as you asked. placed, CANCELLED
A-SHIRT: looked at, violations []
`
	abandoned = asked + `
A-SHIRT €25.00: Your order ended: You did not confirm the payment with your bank in time. Nothing was charged. ` +
		`placed, REJECTED
A-SHIRT: looked at, violations []
`
	repriced = `A-MUG €42.00: The price has changed to €42.00. Nothing was ordered.
A-MUG: looked at, violations []
A-MUG €42.00: Thank you! Your order is confirmed. ` + confirmed + `
A-MUG: looked at, violations []
end`
	confirmed = "placed, stock reserved, payment authorized, shipment booked, paid, confirmed, Follow the shipment"
	asked     = `A-SHIRT: Your bank wants you to confirm the payment until TIME. Confirm the payment
A-SHIRT: looked at, violations []`
)

// Try uses the checkout as several customers. root is the repository's directory. Without a browser
// or axe the test is skipped.
func Try(t *testing.T, root string, s System) {
	t.Helper()
	axe := filepath.Join(root, ".tools", "node", "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(axe); err != nil {
		t.Skip("axe-core is not installed: run `make lint`")
	}
	browser := installed()
	if browser == "" {
		t.Skip("neither Chromium nor Chrome is on the PATH")
	}
	if err := s.stock(t.Context()); err != nil {
		t.Fatal(err)
	}
	expected := want
	if s.Skip != nil {
		expected += abandoned
	}
	seen, err := s.browse(t.Context(), browser, profile(t), s.pages(root, axe))
	if diff := cmp.Diff(expected+repriced, seen); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func installed() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// stock creates the products that the customers order, with stock. Their names come first in lists.
func (s System) stock(ctx context.Context) error {
	for _, p := range []struct {
		sku, name     string
		cents, pieces int
	}{{"A-LAMP", "Lamp, the last one", 14900, 1}, {"A-MUG", "Mug", 1999, 100}, {"A-SHIRT", "Shirt", 2500, 100}} {
		if err := s.price(ctx, p.sku, p.name, int64(p.cents)); err != nil {
			return err
		}
		have, err := s.Operator.GetStock(ctx, p.sku) // of an earlier run
		var problem *client.Problem
		if err != nil && (!errors.As(err, &problem) || problem.Status != http.StatusNotFound) {
			return err
		}
		add := client.Adjustment{Delta: p.pieces - have.OnHand, Reason: "for sale", AllowUnknownSKU: true}
		if add.Delta == 0 {
			continue
		}
		if _, err := s.Operator.AdjustStock(ctx, "", p.sku, add); err != nil {
			return err
		}
	}
	return nil
}

// price changes a product's price and returns once orders has the new one.
func (s System) price(ctx context.Context, sku, name string, cents int64) error {
	price := money.Money{Currency: "EUR", Amount: cents}
	if _, err := s.Operator.PutProduct(ctx, sku, client.ProductValues{Name: name, Price: price}); err != nil {
		return err
	}
	unknown := client.OrderRequest{
		Items: []client.Item{{SKU: sku, Quantity: 1}}, PaymentMethod: "pm_card_visa",
		ExpectedTotal: &money.Money{Currency: "EUR", Amount: 1}, // so nothing is ordered
		ShippingAddress: client.Address{Name: "Ada", Line1: "1 Sample Street", City: "Berlin", PostalCode: "10115",
			Country: "DE"},
	}
	var err error
	for range 300 {
		var problem *client.Problem
		_, err = s.Customer.PlaceOrder(ctx, "", unknown)
		if errors.As(err, &problem) && problem.Total != nil && *problem.Total == price {
			return nil
		}
		if slept := clock.Sleep(ctx, 100*time.Millisecond); slept != nil {
			return slept
		}
	}
	return fmt.Errorf("orders do not know the price of %s: %w", sku, err)
}

// pages serves the repository, the customer, and what the customer cannot do in a page.
func (s System) pages(root, axe string) *http.ServeMux {
	pages := http.NewServeMux()
	pages.Handle("/", http.FileServer(http.Dir(root)))
	pages.HandleFunc("/customer.html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(customer)
	})
	pages.HandleFunc("/axe.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, axe) })
	pages.HandleFunc("POST /reprice", func(w http.ResponseWriter, r *http.Request) {
		if err := s.price(r.Context(), "A-MUG", "Mug", 2100); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	pages.HandleFunc("POST /skip", func(http.ResponseWriter, *http.Request) { s.Skip(away) })
	return pages
}

// profile returns a directory for a browser. Its helper processes may write to it for a moment
// after the browser has ended, so that removing it may take several attempts.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "checkout-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir
}

// browse opens the customer's page in a browser, with a profile in dir, and returns what it saw.
func (s System) browse(ctx context.Context, browser, dir string, pages *http.ServeMux) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	reported := make(chan string, 1)
	pages.HandleFunc("POST /seen", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		reported <- string(text)
	})
	server := httptest.NewServer(pages)
	defer server.Close()
	token, err := s.Customer.Token(ctx)
	if err != nil {
		return "", err
	}
	settings := url.Values{"api": {s.Customer.BaseURL}, "token": {token}}
	if s.Skip != nil {
		settings.Set("skips", "yes")
	}
	host := strings.TrimPrefix(s.Origin, "http://")
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + dir,
		"--host-resolver-rules=MAP " + host + " " + server.Listener.Addr().String()}
	if s.Instant { // Chromium's clock advances at once unless answers are pending
		args = append(args, "--virtual-time-budget=600000", "--dump-dom")
	}
	cmd := exec.CommandContext(ctx, browser, append(args, s.Origin+"/customer.html?"+settings.Encode())...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case seen := <-reported:
		cancel()
		<-ended //nolint:errcheck // it was told to end
		return seen, nil
	case err := <-ended:
		return "", fmt.Errorf("the browser ended without a report: %w", errors.Join(err, ctx.Err()))
	}
}
