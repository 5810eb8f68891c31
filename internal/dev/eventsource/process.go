package eventsource

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/dev/devstack"
)

// Process is the process of a local stack that polls, `dev event-sources`. Its fields are flags.
type Process struct {
	Endpoint string   // of the emulator
	Stacks   []string // names of CloudFormation stacks
	RabbitMQ string   // amqps://host:port; what follows is ignored
	CAFile   string   // PEM of RabbitMQ's certificate authority
	MSK      string   // host:port of the Kafka broker that stands for Amazon MSK
}

// Start starts the process next to a stack's emulator, with its files in dir, or finds it running.
// `make down` ends it.
func (p Process) Start(ctx context.Context, repo devstack.Repo, dir string) (*devstack.Server, error) {
	dev := repo.Path(".build", "dev") // which the stack has built for its collector
	binary, err := os.ReadFile(dev)
	if err != nil {
		return nil, err
	}
	name := "event sources of " + dir // the port may belong to another stack's
	args := []string{"event-sources", "--name", name, "--endpoint", p.Endpoint, "--stacks", strings.Join(p.Stacks, ","),
		"--rabbitmq", p.RabbitMQ, "--rabbitmq-ca", p.CAFile, "--msk", p.MSK}
	key := sha256.Sum256(append(binary, strings.Join(args, "\n")...))
	server, _, err := devstack.Serve(ctx, dir, devstack.Program{
		Name: "eventsource",
		Argv: func(port int) []string {
			return append(append([]string{dev}, args...), "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		},
		Key: hex.EncodeToString(key[:]),
		Ready: func(ctx context.Context, url string) bool {
			got, _, err := Look(ctx, url)
			return err == nil && got == name
		},
		Limit: 20 * time.Second,
	})
	return server, err
}

// Serve polls until the process is told to stop. It answers GET /health at an address.
func (p Process) Serve(ctx context.Context, listen, name string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := Config{Stacks: p.Stacks, RabbitMQ: p.RabbitMQ, MSK: p.MSK, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		AWS: aws.Config{Region: devstack.Region, BaseEndpoint: &p.Endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(devstack.AccessKey, devstack.SecretKey, "")}}
	if p.CAFile != "" {
		var err error
		if c.RabbitCA, err = os.ReadFile(p.CAFile); err != nil {
			return err
		}
	}
	sources := New(c)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(listen, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sources.Handler(name), ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // Close ends it
	sources.Run(ctx)
	return nil
}

// Look returns the name and the states of the sources that serve a URL.
func Look(ctx context.Context, url string) (name string, states []State, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	var health struct {
		Name    string
		Sources []State
	}
	if err := json.NewDecoder(resp.Body).Decode(&health); err != nil {
		return "", nil, fmt.Errorf("%s is not of event sources: %w", url, err)
	}
	return health.Name, health.Sources, nil
}
