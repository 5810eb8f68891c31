package host

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The example page orders in a browser, which finds no barrier in it.
func TestTheExampleCheckoutOrdersInABrowser(t *testing.T) {
	const root, axe = "../..", "../../.tools/node/node_modules/axe-core/axe.min.js"
	if _, err := os.Stat(axe); err != nil {
		t.Skip("axe-core is not installed: run `make lint`")
	}
	var browser string
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("neither Chromium nor Chrome is on the PATH")
	}
	pages := http.NewServeMux()
	pages.Handle("/", http.FileServer(http.Dir(root)))
	for path, file := range map[string]string{"/test.html": "testdata/checkout.html", "/axe.js": axe} {
		pages.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	s := launch(t, Options{Keep: 100, Origins: []string{server.URL}, OpenSandbox: true})
	pages.HandleFunc("POST /reprice", func(_ http.ResponseWriter, r *http.Request) { s.reprice(r.Context(), t) })
	if err := s.stocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := s.issuer.Token("alice", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// Waits of the page take no time: Chromium's clock goes on at once, unless answers are due.
	out, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=120000", "--dump-dom",
		server.URL+"/test.html?"+url.Values{"api": {s.url}, "token": {token}}.Encode()).Output()
	_, seen, _ := strings.Cut(string(out), `<pre id="seen">`)
	seen, _, _ = strings.Cut(html.UnescapeString(seen), "</pre>")
	want := `start: looked at, violations []
MUG-BLUE €39.98: Thank you! Your order is confirmed. placed, stock reserved, payment authorized, shipment booked, ` +
		`paid, confirmed
MUG-BLUE: looked at, violations []
LAMP-RARE €1,043.00: Your order ended: Some of it is no longer in stock. placed, REJECTED, 6 × LAMP-RARE were missing
LAMP-RARE: looked at, violations []
MUG-BLUE €19.99: Your order ended: The payment was declined. Please try another payment method. placed, REJECTED
MUG-BLUE: looked at, violations []
SHIRT-M: Your bank wants you to confirm the payment until TIME. Confirm the payment
SHIRT-M: looked at, violations []
SHIRT-M €25.00: Thank you! Your order is confirmed. placed, stock reserved, payment authorized, shipment booked, ` +
		`paid, confirmed
SHIRT-M: looked at, violations []
SHIRT-M: Your bank wants you to confirm the payment until TIME. Confirm the payment
SHIRT-M: looked at, violations []
SHIRT-M €25.00: Your order ended: The payment was declined. Please try another payment method. placed, REJECTED
SHIRT-M: looked at, violations []
SHIRT-M: Your bank wants you to confirm the payment until TIME. Confirm the payment
SHIRT-M: looked at, violations []
SHIRT-M €25.00: Your order ended: We cancelled it as you asked. placed, CANCELLED
SHIRT-M: looked at, violations []
MUG-BLUE €42.00: The price has changed to €42.00. Nothing was ordered.
MUG-BLUE: looked at, violations []
MUG-BLUE €42.00: Thank you! Your order is confirmed. placed, stock reserved, payment authorized, shipment booked, ` +
		`paid, confirmed
MUG-BLUE: looked at, violations []
end`
	if diff := cmp.Diff(want, seen); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// reprice makes a mug cost 21 euros, and returns once orders know.
func (s shop) reprice(ctx context.Context, t *testing.T) {
	s.call(t, "PUT", "/v1/products/MUG-BLUE", "olga", "operator",
		`{"name": "Blue mug", "price": {"currency": "EUR", "amount": 2100}}`)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		quote, err := s.orders.Quote(ctx, "", "", []string{"MUG-BLUE"})
		if err == nil && quote.Prices["MUG-BLUE"].Price.Amount == 2100 {
			return
		}
	}
	t.Error("orders do not know the new price")
}
