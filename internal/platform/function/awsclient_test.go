package function

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"orderflow/internal/platform/clock"
)

// cloud returns the environment of a function with AWS at url.
func cloud(url string) *Env {
	return NewEnv(lookup(map[string]string{
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1",
		"AWS_ENDPOINT_URL": url,
	}), clock.System{})
}

// silentServer accepts connections and never answers. It returns its address and the number of
// connections.
func silentServer(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := &atomic.Int32{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String(), taken
}

func get(ctx context.Context, cfg aws.Config) error {
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	return err
}

func TestSilentAWSCostsOneAttemptOnly(t *testing.T) {
	address, _ := silentServer(t)
	cfg := cloud("http://" + address).AWS()
	cfg.HTTPClient = awsClient(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	begin := time.Now()
	err := get(ctx, cfg)
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 2*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// After a freeze, a connection may look alive here but be closed at AWS.
func TestSDKRetriesADeadConnectionOnAnother(t *testing.T) {
	dead, taken := silentServer(t)
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte(`{"TableNames":[]}`))
	}))
	defer answers.Close()
	// The first connection never gets an answer; the others do.
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = front.Close() }()
	go func() {
		for to := dead; ; to = strings.TrimPrefix(answers.URL, "http://") {
			conn, err := front.Accept()
			if err != nil {
				return
			}
			go splice(conn, to)
		}
	}()
	cfg := cloud("http://" + front.Addr().String()).AWS()
	cfg.HTTPClient = awsClient(100 * time.Millisecond)
	client := dynamodb.NewFromConfig(cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := client.ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil || taken.Load() != 1 {
		t.Errorf("%v after %d dead connections, want an answer after one", err, taken.Load())
	}
}

func splice(conn net.Conn, to string) {
	defer func() { _ = conn.Close() }()
	other, err := (&net.Dialer{}).Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = other.Close() }()
	go func() { _, _ = other.(*net.TCPConn).ReadFrom(conn) }()
	_, _ = conn.(*net.TCPConn).ReadFrom(other)
}

func TestAWSClientsShareAnHTTPClientWithATimeout(t *testing.T) {
	for url, want := range map[string]time.Duration{"": attemptTimeout, "http://127.0.0.1:1": emulatorTimeout} {
		env := cloud(url)
		one, ok := env.AWS().HTTPClient.(*http.Client)
		if !ok || one != env.AWS().HTTPClient || one.Timeout != want {
			t.Errorf("with %q: %+v, want one client with timeout %v", url, one, want)
		}
		// The SDK copies a buildable client, and with it the connections.
		if dynamodb.NewFromConfig(env.AWS()).Options().HTTPClient != env.AWS().HTTPClient {
			t.Errorf("with %q: the SDK client has its own connections", url)
		}
	}
	if 2*attemptTimeout >= 10*time.Second || emulatorTimeout >= 10*time.Second {
		t.Error("two attempts do not fit into the 10 s of most functions")
	}
}
