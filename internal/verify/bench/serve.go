package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/money"
)

// Served is what one run of cmd/serve measured.
type Served struct {
	// Start is the time from exec to the first accepted order.
	Start time.Duration
	// Accept and Late are the median and the 99th percentile of the time to accept an order, one at
	// a time.
	Accept, Late time.Duration
	// Rate is the number of orders confirmed per second, from the first one placed to the last one
	// confirmed, while clients placed orders as fast as they were accepted.
	Orders int
	Rate   float64
	// Memory is the process's resident memory in MB, at its start and at the end.
	Before, After int
}

// Print prints the figures.
func (s Served) Print(out io.Writer) error {
	_, err := fmt.Fprintf(out, `start to the first accepted order  %d ms
accept, one at a time, p50 / p99   %.2f / %.2f ms
orders confirmed per second        %.0f, of %d
resident memory                    %d MB at the start, %d MB at the end
`, s.Start.Milliseconds(), millis(s.Accept), millis(s.Late), s.Rate, s.Orders, s.Before, s.After)
	return err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// alone is how many orders are placed one at a time.
const alone = 500

// clients is how many orders are placed at the same time.
const clients = 16

// open is the number of orders of one customer, below the customers' limit.
const open = 10

// read is how many of the latest orders are read at the end, since the process drops older ones.
// Shipped stock counts the others.
const read = 2000

// MeasureServe starts cmd/serve with arguments and places orders.
func MeasureServe(ctx context.Context, repo devstack.Repo, orders int, args ...string) (s Served, err error) {
	dir, err := os.MkdirTemp("", "serve")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "serve")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/serve")
	build.Dir = string(repo)
	if out, err := build.CombinedOutput(); err != nil {
		return s, fmt.Errorf("%w: %s", err, out)
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, program, append([]string{"-dev", "-listen", "127.0.0.1:0", "-dir", dir,
		"-throttle=false"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, cmd.Process.Signal(os.Interrupt), cmd.Wait()) }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return s, err
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	l := load{url: strings.TrimSpace(strings.TrimPrefix(line, "serving ")), orders: orders}
	if l.issuer, err = issuer.In(dir); err != nil {
		return s, err
	}
	if _, err := l.place(ctx, "first"); err != nil {
		return s, err
	}
	s.Start, s.Before = time.Since(began), resident(cmd.Process.Pid)
	if err := l.stock(ctx); err != nil {
		return s, err
	}
	if s.Accept, s.Late, err = l.one(ctx); err != nil {
		return s, err
	}
	s.Orders = orders
	s.Rate, err = l.many(ctx)
	s.After = resident(cmd.Process.Pid)
	return s, err
}

// resident returns the resident memory of a process in MB, 0 where it is not known.
func resident(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, ok := strings.Cut(string(text), "VmRSS:")
	var kb int
	if _, bad := fmt.Sscan(rest, &kb); err != nil || !ok || bad != nil {
		return 0
	}
	return kb / 1024
}

type load struct {
	url      string
	operator *client.Client
	issuer   *issuer.Issuer
	orders   int
	tokens   sync.Map // by user
}

func (l *load) token(user, role string) (string, error) {
	if t, ok := l.tokens.Load(user); ok {
		return t.(string), nil
	}
	t, err := l.issuer.Token(user, role, time.Now())
	l.tokens.Store(user, t)
	return t, err
}

var web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}

var order = []byte(`{"items":[{"sku":"MUG-BLUE","quantity":1}],"paymentMethod":"pm_card_visa","shippingAddress":
	{"name":"Ada Example","line1":"1 Sample Street","city":"Berlin","postalCode":"10115","country":"DE"}}`)

// answer is an order as the API returns it.
type answer struct {
	OrderID, Status      string
	CreatedAt, UpdatedAt time.Time
}

func (l *load) do(ctx context.Context, method, path, user string, body []byte) (a answer, err error) {
	token, err := l.token(user, "")
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, method, l.url+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := web.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err
}

func (l *load) place(ctx context.Context, user string) (answer, error) {
	return l.do(ctx, http.MethodPost, "/v1/orders", user, order)
}

// stock adds enough pieces.
func (l *load) stock(ctx context.Context) error {
	l.operator = &client.Client{BaseURL: l.url, Token: func(context.Context) (string, error) {
		return l.issuer.Token("olga", "operator", time.Now())
	}}
	price := money.Money{Currency: "EUR", Amount: 1999}
	if _, err := l.operator.PutProduct(ctx, "MUG-BLUE", client.ProductValues{Name: "Mug", Price: price}); err != nil {
		return err
	}
	for left := l.orders + alone; left > 0; left -= 50_000 {
		in := client.Adjustment{Delta: min(left, 50_000), Reason: "load"}
		if _, err := l.operator.AdjustStock(ctx, "", "MUG-BLUE", in); err != nil {
			return err
		}
	}
	return nil
}

// one places orders one at a time.
func (l *load) one(ctx context.Context) (median, late time.Duration, err error) {
	var took []time.Duration
	for n := range alone {
		user := fmt.Sprint("one-", n/open)
		if _, err := l.token(user, ""); err != nil { // signed before the clock runs
			return 0, 0, err
		}
		began := time.Now()
		if _, err := l.place(ctx, user); err != nil {
			return 0, 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100], nil
}

// many places orders at the same time, and returns how many were confirmed a second. Orders say
// when they were confirmed; they are read when all are placed.
func (l *load) many(ctx context.Context) (float64, error) {
	placed := make([]answer, l.orders)
	users := func(n int) string { return fmt.Sprint("many-", n/open) }
	for n := range l.orders {
		if _, err := l.token(users(n), ""); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	err := l.each(0, func(n int) (err error) {
		placed[n], err = l.place(ctx, users(n))
		return err
	})
	if err != nil {
		return 0, err
	}
	last := time.Time{}
	var mu sync.Mutex
	err = l.each(max(0, l.orders-read), func(n int) error {
		for {
			a, err := l.do(ctx, http.MethodGet, "/v1/orders/"+placed[n].OrderID, users(n), nil)
			switch {
			case err != nil:
				return err
			case a.Status == "PENDING":
				time.Sleep(100 * time.Millisecond)
				continue
			case a.Status != "CONFIRMED":
				return fmt.Errorf("order %s is %s", a.OrderID, a.Status)
			}
			mu.Lock()
			defer mu.Unlock()
			if a.UpdatedAt.After(last) {
				last = a.UpdatedAt
			}
			return nil
		}
	})
	if err != nil {
		return 0, err
	}
	left, err := l.operator.GetStock(ctx, "MUG-BLUE")
	if want := l.orders + alone + 1; err == nil && left.Shipped != want {
		err = fmt.Errorf("%d orders were fulfilled, want %d", left.Shipped, want)
	}
	return float64(l.orders) / last.Sub(began).Seconds(), err
}

// each calls do for every order from one on, by several clients.
func (l *load) each(from int, do func(n int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	failed := make(chan error, clients)
	for range clients {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < l.orders; n = int(next.Add(1)) - 1 {
				if err := do(n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}
