package host

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"orderflow/internal/fulfilment"
	"orderflow/internal/host/cloud"
	"orderflow/internal/host/front"
	"orderflow/internal/notifications/ses"
	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
)

// Exit codes of Main.
const (
	exitFailure = 1
	exitUsage   = 2
)

const usage = `Serve the whole core in one process, at one port: REST, GraphQL, Connect, gRPC-Web and gRPC (HTTP/2 in
clear text), with the sandbox's third parties inside. With -store memory everything is gone at the end. With -store
dynamodb the tables of template.yaml, the sandbox's and one of its own keep everything, and of several processes one
serves; the others wait. Region, keys and endpoint are found as by all tools of AWS, as in AWS_ENDPOINT_URL.

Usage: serve [flags]

`

// Values of -store.
const (
	inMemoryStore = "memory"
	inDynamoDB    = "dynamodb"
)

// minLease leaves time to renew it on a busy machine.
const minLease = time.Second

// flags are the command line.
type flags struct {
	listen, dir, origins string
	tracking             string // the page of the carrier

	issuer, audience, keys string
	key                    string // of operators' calls; made at the start
	dev, throttle          bool
	keep, reserved         int
	drain                  time.Duration

	store, stack, sender string
	outside              string // addresses of third parties
	traces               string // address of a collector
	create               bool
	lease                time.Duration
}

// Main runs the process until ctx ends, and returns its exit code.
func Main(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	}
	if err := run(ctx, f, lookup, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "serve:", err)
		return exitFailure
	}
	return 0
}

func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	set.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`address` to listen on")
	set.BoolVar(&f.dev, "dev", false, "sign tokens for any user, with a key in the directory of -dir")
	set.StringVar(&f.issuer, "token-issuer", "", "`issuer` of the tokens (their claim iss), such as a user pool")
	set.StringVar(&f.audience, "token-audience", "", "`client` that the tokens are for (their claim aud)")
	set.StringVar(&f.keys, "token-keys", "", "`URL` of the issuer's JSON Web Key Set")
	set.StringVar(&f.dir, "dir", filepath.Join(".local", "serve"),
		"`directory` for the addresses of this process (stack.json) and the key of -dev")
	set.StringVar(&f.origins, "origins", "", "`origins` whose web pages may call the API, separated by commas")
	set.StringVar(&f.tracking, "tracking-url", "",
		"`page` of the carrier, with {trackingNumber}, to which trackingUrl of confirmed orders links")
	set.BoolVar(&f.throttle, "throttle", true, "limit rates as the template declares for API Gateway")
	set.IntVar(&f.reserved, "reserved-concurrency", 0,
		"how many calls of each function that calls third parties run at a time, as the parameter of template.yaml; "+
			"0 for no limit")
	set.IntVar(&f.keep, "keep", 5_000, "how many finished orders to keep; older ones are dropped after 15 minutes")
	set.DurationVar(&f.drain, "drain", 30*time.Second, "how long a shutdown waits for work in progress")
	set.StringVar(&f.store, "store", inMemoryStore, "where to keep everything: memory or dynamodb")
	set.StringVar(&f.stack, "stack", Name, "with dynamodb, `name` of the stack whose tables they are")
	set.BoolVar(&f.create, "create-tables", false,
		"with dynamodb, create missing tables; on AWS only the process's own, NAME-serve")
	set.DurationVar(&f.lease, "lease", 5*time.Second,
		"with dynamodb, how long the process may be silent before another one takes over")
	set.StringVar(&f.sender, "sender", "",
		"with dynamodb, `address` that SES sends mails from; without it the sandbox keeps them")
	set.StringVar(&f.outside, "third-parties", "",
		"`addresses` of third parties outside, such as payment-provider=https://pay.example, separated by commas")
	set.StringVar(&f.traces, "traces-url", "",
		"`address` of a collector that takes Zipkin's format; without it, no spans are made")
	f.key = rand.Text()
	if err := set.Parse(args); err != nil {
		return f, err
	}
	given := f.issuer != "" && f.audience != "" && f.keys != ""
	if f.keep < 0 || f.drain < 0 || f.reserved < 0 {
		fmt.Fprintln(stderr, "serve: -keep, -drain and -reserved-concurrency must not be negative; see -help")
		return f, errors.New("usage")
	}
	if f.store != inMemoryStore && f.store != inDynamoDB || f.lease < minLease {
		fmt.Fprintf(stderr, "serve: -store must be memory or dynamodb, and -lease at least %s; see -help\n", minLease)
		return f, errors.New("usage")
	}
	page := strings.HasPrefix(f.tracking, "https://") && strings.Contains(f.tracking, "{trackingNumber}")
	if f.tracking != "" && !page {
		fmt.Fprintln(stderr, "serve: -tracking-url must be an https address with {trackingNumber}; see -help")
		return f, errors.New("usage")
	}
	if len(set.Args()) > 0 || f.dev == given || f.dev && f.issuer+f.audience+f.keys != "" {
		fmt.Fprintln(stderr, "serve: give -dev, or -token-issuer, -token-audience and -token-keys; see -help")
		return f, errors.New("usage")
	}
	return f, nil
}

// environment holds the variables that the functions read. LOG_LEVEL is the process's own.
func environment(f flags, lookup func(string) (string, bool)) func(string) (string, bool) {
	own := map[string]string{
		"AWS_REGION": cloud.Region, "AWS_ACCESS_KEY_ID": f.key, "AWS_SECRET_ACCESS_KEY": f.key,
		"AWS_ENDPOINT_URL": "http://aws", "OPERATOR_ACTIONS": "/orderflow/" + Name + "/operator-actions",
		"ALLOWED_ORIGINS": f.origins, "TRACES_URL": f.traces,
		"LOG_LEVEL": "warn", "LOG_DEBUG_RATIO": "0",
	}
	return func(name string) (string, bool) {
		if v, ok := lookup(name); ok && strings.HasPrefix(name, "LOG_") {
			return v, ok
		}
		v, ok := own[name]
		return v, ok
	}
}

func run(ctx context.Context, f flags, lookup func(string) (string, bool), stdout, stderr io.Writer) error {
	log := &cloud.Lines{Clock: clock.System{}}
	base, env, _ := function.Process(context.WithoutCancel(ctx), io.MultiWriter(stderr, log), environment(f, lookup),
		"host", "serve")
	tokens, err := f.tokens(env.Clock)
	if err != nil {
		return err
	}
	outside, err := parseOutside(f.outside)
	if err != nil {
		return fmt.Errorf("-third-parties: %w", err)
	}
	o := Options{
		Tokens: tokens, Throttled: f.throttle, Reserved: f.reserved,
		Origins:     strings.FieldsFunc(f.origins, func(r rune) bool { return r == ',' }),
		TrackingURL: f.tracking, Outside: outside, Keep: f.keep, Key: f.key, OpenSandbox: f.dev,
		Metrics: io.Discard, Env: env, Log: log,
	}
	if f.store == inDynamoDB {
		if err := f.open(ctx, &o); err != nil {
			return err
		}
	}
	h, err := New(base, o)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address by -listen", err)
	}
	running, stop := context.WithCancel(base)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Run(running)
	}()
	defer func() {
		stop()
		<-ended
	}()
	if !h.await(ctx, stderr) {
		return listener.Close()
	}
	if f.dev || f.store == inMemoryStore {
		if err := h.stocked(base); err != nil {
			return err
		}
	}
	url := urlOf(listener.Addr())
	h.sandbox.url.Store(url)
	if err := announce(f, url, stdout); err != nil {
		return err
	}
	return serve(ctx, base, listener, h, f.drain, stderr)
}

// open sets the options of -store dynamodb.
func (f *flags) open(ctx context.Context, o *Options) error {
	web := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = concurrency
	})
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(web))
	if err != nil {
		return err
	}
	o.Tables, o.Lease = &Tables{Config: cfg, Prefix: f.stack, Create: f.create}, f.lease
	if f.sender != "" {
		o.Mailer = ses.New(cfg, f.sender)
	}
	return nil
}

// callTimeout bounds an attempt of a call of AWS.
const callTimeout = 8 * time.Second

// waits is how long a process waits for the lease before it says so.
const waits = time.Second

// await waits until the process holds the lease. It returns false if ctx ends first.
func (h *Host) await(ctx context.Context, stderr io.Writer) bool {
	for {
		select {
		case <-h.driving:
			return true
		case <-ctx.Done():
			fmt.Fprintln(stderr, "serve: ended while another process held the lease")
			return false
		case <-time.After(waits):
			fmt.Fprintln(stderr, "serve: waiting, since another process holds the lease")
		}
		select {
		case <-h.driving:
		case <-ctx.Done():
		}
	}
}

// urlOf returns the URL of a listener for clients on this machine.
func urlOf(of net.Addr) string {
	if tcp, ok := of.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + of.String()
}

// keysTimeout bounds a read of the issuer's keys.
const keysTimeout = 3 * time.Second

// tokens returns the verifier of bearer tokens.
func (f *flags) tokens(c clock.Clock) (front.Tokens, error) {
	if !f.dev {
		web := &http.Client{Timeout: keysTimeout}
		read := func(ctx context.Context) (string, error) { return get(ctx, web, f.keys) }
		return bearer.New(f.issuer, f.audience, bearer.NewKeys(read, c), c), nil
	}
	own, err := issuer.Keep(f.dir)
	if err != nil {
		return nil, err
	}
	f.issuer = issuer.Name
	read := func(context.Context) (string, error) { return own.KeySet(), nil }
	return bearer.New(issuer.Name, issuer.Audience, bearer.NewKeys(read, c), c), nil
}

// maxKeys bounds a key set.
const maxKeys = 64 << 10

func get(ctx context.Context, web *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the issuer's keys: status %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxKeys))
	return string(text), err
}

// announce writes the addresses of the process to stack.json, as every deployment does, and prints
// how to use them.
func announce(f flags, url string, stdout io.Writer) error {
	file, err := filepath.Abs(filepath.Join(f.dir, "stack.json"))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]string{"ApiUrl": url, "SandboxUrl": url + "/sandbox",
		"GrpcTarget": strings.TrimPrefix(url, "http://"), "TokenIssuer": f.issuer,
		"EndpointUrl": url + "/aws", "Region": cloud.Region, "AccessKeyId": f.key,
		"StoresBy": "process", "TracesUrl": f.traces,
		"FulfilOrderArn":        cloud.MachineARN(Name, string(fulfilment.FulfilOrder)),
		"CompensateOrderArn":    cloud.MachineARN(Name, string(fulfilment.CompensateOrder)),
		"LegacyRoutesParameter": routes}, "", "  ")
	if err == nil {
		err = os.MkdirAll(f.dir, 0o700)
	}
	if err == nil {
		_ = os.Remove(file) // an old one would keep its mode
		err = os.WriteFile(file, append(text, '\n'), 0o600)
	}
	keeps := "Everything is in memory and is lost when this process ends."
	if f.store == inDynamoDB {
		keeps = fmt.Sprintf("Everything is in the tables %s-*.", f.stack)
	}
	fmt.Fprintf(stdout, `serving %s

%s

  export ORDERFLOW_STACK_FILE=%s
  go run ./cmd/orderflow order place --item MUG-BLUE=2 --wait
`, url, keeps, file)
	return err
}

const (
	// arrival is how long a request may take to arrive, which is API Gateway's timeout. RPC has its
	// own limit.
	arrival = 29 * time.Second
	// closing is how long the last answers may take, after all other work has ended.
	closing = 5 * time.Second
)

func newServer(base context.Context, h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, Protocols: new(http.Protocols), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ReadTimeout:    arrival,
		MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// serve serves until ctx ends, then drains: it admits no new requests and finishes those that it
// accepted.
func serve(
	ctx, base context.Context, l net.Listener, h *Host, drain time.Duration, stderr io.Writer,
) error {
	server := newServer(base, h)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(base, drain)
	defer cancel()
	left := h.Drain(ending)
	fmt.Fprintf(stderr, "serve: ended with %d sagas, %d pending orders, %d messages and %d events left\n",
		len(left.Parked), left.Pending, left.Messages, left.Events)
	for _, id := range left.Parked {
		fmt.Fprintln(stderr, "serve: still running:", id)
	}
	ending, cancel = context.WithTimeout(base, closing)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		slog.WarnContext(base, "answers were cut off", "error", err.Error())
		return server.Close()
	}
	return nil
}
