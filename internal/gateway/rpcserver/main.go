// Package rpcserver serves the protobuf contract (api/proto) by native gRPC, streams included. A
// function cannot do that, since it has neither trailers nor streams. The process owns nothing and
// decides nothing: it calls the services' HTTP contract, as the functions of the gateway do.
package rpcserver

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/aws/aws-sdk-go-v2/config"

	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/outbound"
)

// Exit codes of Main.
const (
	exitFailure = 1
	exitUsage   = 2
)

// Name is the process's name in logs, spans and metrics, as a function has one.
const Name = "serve-rpc-native"

// Concurrency limits the concurrent calls of a service. A function makes one at a time.
const Concurrency = 128

const usage = `Serve the RPC contract (api/proto) by gRPC, gRPC-Web and Connect over HTTP/2: by TLS if a certificate is
given, else in clear text (h2c), for a load balancer that ends TLS.

The environment is that of the function serve-rpc: STAGE, DISCOVERY, TABLE_NAME, AWS_REGION, optionally LOG_LEVEL,
TRACES_URL. AWS credentials are found as by every AWS SDK, such as those of an ECS task role.

It serves grpc.health.v1 and reflection. SIGTERM drains it: health says NOT_SERVING for the notice, then streams end
with UNAVAILABLE and calls in progress are finished.

Usage: rpc [flags]

`

// options are the flags.
type options struct {
	listen, cert, key string
	limits            Limits
	reflection        bool
}

// Main runs the process until ctx ends, and returns its exit code.
func Main(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	}
	if err := run(ctx, o, lookup, stdout); err != nil {
		slog.ErrorContext(ctx, "cannot serve", "error", err.Error())
		return exitFailure
	}
	return 0
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	o.limits = DefaultLimits
	f := flag.NewFlagSet("rpc", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to listen on")
	f.StringVar(&o.cert, "tls-cert", "", "PEM `file` with the certificate chain")
	f.StringVar(&o.key, "tls-key", "", "PEM `file` with the certificate's key")
	f.BoolVar(&o.reflection, "reflection", true, "let clients read the contract by reflection")
	f.DurationVar(&o.limits.Notice, "notice", DefaultLimits.Notice,
		"how long health reports NOT_SERVING before the shutdown begins")
	f.DurationVar(&o.limits.Drain, "drain", DefaultLimits.Drain, "how long calls in progress may take at shutdown")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if len(f.Args()) > 0 || (o.cert == "") != (o.key == "") {
		fmt.Fprintln(stderr, "rpc: takes flags only, and a certificate with its key; see --help")
		return o, errors.New("usage")
	}
	return o, nil
}

func run(ctx context.Context, o options, lookup func(string) (string, bool), stdout io.Writer) error {
	base, env, flush := function.Process(ctx, stdout, lookup, "gateway", Name)
	chain, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	env.Credentials = chain.Credentials
	caller := outbound.New(env, "gateway", ddb.FromEnv(env))
	shop := services.New(func(dependency string) httpclient.Config {
		c := caller.To(dependency)
		c.Concurrency = Concurrency
		return c
	})
	if err := env.Err(); err != nil {
		return err
	}
	var certificate *tls.Config
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return err
		}
		certificate = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	s := New(base, shop, env.Clock, flush, o.reflection)
	slog.InfoContext(base, "serving", "listen", listener.Addr().String(), "tls", certificate != nil)
	return s.Serve(ctx, listener, certificate, o.limits)
}
