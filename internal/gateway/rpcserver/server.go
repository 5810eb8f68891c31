package rpcserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/gateway/watch"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/resilience"
)

// Limits bound a client's use, and the time of a shutdown. All but Notice must be set.
type Limits struct {
	// Streams are the calls of a connection at a time. gRPC clients queue further ones.
	Streams int
	// Ping is how long a connection may be silent before it is pinged, and how long the answer may
	// take. It bounds how long a dead client holds its watches.
	Ping time.Duration
	// Arrival is how long the messages of a request may take to arrive, those of a stream together.
	Arrival time.Duration
	// Unread is how long a client may leave a piece of an answer unread. It must be shorter than
	// Drain, which waits for the pieces that are being sent.
	Unread time.Duration
	// Idle is how long a connection without calls is kept.
	Idle time.Duration
	// Notice is how long health says NOT_SERVING before the shutdown begins, so that load balancers
	// stop sending calls. Drain is how long calls in progress may then take.
	Notice, Drain time.Duration
}

// DefaultLimits fit a load balancer that checks health every five seconds, and ECS, which waits
// 30 s between SIGTERM and SIGKILL.
var DefaultLimits = Limits{
	Streams: 250, Ping: 20 * time.Second, Arrival: 10 * time.Second, Unread: 10 * time.Second,
	Idle: 5 * time.Minute, Notice: 10 * time.Second, Drain: 15 * time.Second,
}

var errLimits = errors.New("a limit is not set")

// maxHeader bounds the metadata of a call, and maxControl a message of health and reflection.
const (
	maxHeader  = 32 << 10
	maxControl = 4 << 10
)

// contract are the services of api/proto.
var contract = []string{
	orderflowv1connect.OrderServiceName, orderflowv1connect.ProductServiceName, orderflowv1connect.StockServiceName,
}

// Server serves the contract, health and reflection.
type Server struct {
	ctx    context.Context //nolint:containedctx // the base of all requests' contexts
	clock  clock.Clock
	mux    *http.ServeMux
	health health
	hub    *watch.Hub
	// ending ends with the streams of health.
	ending context.Context //nolint:containedctx // see above
	end    context.CancelFunc
}

// New returns a server over the services. Requests have the values of ctx, but do not end with it.
// flush sends the spans of a call.
func New(ctx context.Context, b rpc.Backends, c clock.Clock, flush func(context.Context), reflection bool) *Server {
	ctx = context.WithoutCancel(ctx)
	s := &Server{ctx: ctx, clock: c, mux: http.NewServeMux()}
	s.health = health{grpchealth.NewStaticChecker(contract...), resilience.NewBulkhead(maxHealthWatches)}
	s.ending, s.end = context.WithCancel(ctx)
	o := &observer{clock: c, flush: flush}
	s.hub = watch.New(ctx, counted{b}, c, watch.DefaultLimits)
	s.mux.Handle("/", rpc.New(b, o.watching(s.hub.Watch), o))
	control := connect.WithReadMaxBytes(maxControl)
	s.mux.Handle(s.endingWith(grpchealth.NewHandler(s.health, control)))
	if reflection {
		reflector := grpcreflect.NewStaticReflector(append([]string{grpchealth.HealthV1ServiceName}, contract...)...)
		s.mux.Handle(grpcreflect.NewHandlerV1(reflector, control))
		s.mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, control))
	}
	return s
}

// endingWith ends the requests of health when the process ends: they may last for ever.
func (s *Server) endingWith(path string, next http.Handler) (string, http.Handler) {
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ending, cancel)() //nolint:contextcheck // it ends another one
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Serves reports whether a path is one of a Server's, in a process that serves others, too.
func Serves(path string) bool {
	return strings.HasPrefix(path, "/orderflow.v1.") || strings.HasPrefix(path, "/grpc.")
}

// ServeHTTP serves a request over HTTP/2 with DefaultLimits, for a process with a server of its
// own.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bounded(s.mux, s.clock, DefaultLimits.Arrival, DefaultLimits.Unread).ServeHTTP(w, r)
}

// Serve serves a listener until ctx ends, then drains. Without a certificate it speaks clear text.
func (s *Server) Serve(ctx context.Context, l net.Listener, certificate *tls.Config, limits Limits) error {
	if min(limits.Ping, limits.Arrival, limits.Unread, limits.Idle, limits.Drain) <= 0 || limits.Streams <= 0 {
		return errLimits // zero means no time for some of them, and no limit for others
	}
	server := &http.Server{
		Handler: bounded(s.mux, s.clock, limits.Arrival, limits.Unread), Protocols: new(http.Protocols),
		TLSConfig: certificate, BaseContext: func(net.Listener) context.Context { return s.ctx },
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: limits.Idle, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: limits.Streams, SendPingTimeout: limits.Ping, PingTimeout: limits.Ping,
			WriteByteTimeout: limits.Ping,
		},
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP2(certificate != nil)
	server.Protocols.SetUnencryptedHTTP2(certificate == nil)
	failed := make(chan error, 1)
	go func() {
		if certificate != nil {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return s.drain(server, limits) //nolint:contextcheck // ctx has ended
}

// End ends all streams, for a process with a server of its own, and says so by health.
func (s *Server) End() {
	s.announceEnd()
	s.endStreams()
}

func (s *Server) announceEnd() {
	for _, service := range append([]string{""}, contract...) {
		s.health.SetStatus(service, grpchealth.StatusNotServing)
	}
}

func (s *Server) endStreams() {
	s.hub.Close()
	s.end()
}

// drain ends the process without failing a call: load balancers are told, then streams end with
// UNAVAILABLE, so that clients watch again elsewhere, and calls in progress are finished.
func (s *Server) drain(server *http.Server, limits Limits) error {
	slog.InfoContext(s.ctx, "draining")
	s.announceEnd()
	_ = clock.Sleep(s.ctx, limits.Notice)
	s.endStreams()
	ctx, cancel := context.WithTimeout(s.ctx, limits.Drain)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(errors.New("calls were cut off"), err, server.Close())
	}
	slog.InfoContext(s.ctx, "ended", "clean", err == nil)
	return err
}
