package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Publish makes the stack's emulator, which listens on 127.0.0.1, reachable for containers at
// another address of this machine, and returns its URL there. The registry's addresses are changed
// to it. unpublish stops listening.
func (s *Stack) Publish(ctx context.Context, address string) (endpoint string, unpublish func() error, err error) {
	from, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(portOf(s.Emulator.URL))))
	if err != nil {
		return "", nil, err
	}
	to := strings.TrimPrefix(s.Emulator.URL, "http://")
	go forward(from, to)
	endpoint = "http://" + from.Addr().String()
	if err := s.readdress(ctx, endpoint); err != nil {
		return "", nil, errors.Join(err, from.Close())
	}
	return endpoint, from.Close, nil
}

// forward forwards every connection to another address until the listener is closed.
func forward(from net.Listener, to string) {
	for {
		in, err := from.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer out.Close()
			var both sync.WaitGroup
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				both.Go(func() {
					_, _ = io.Copy(way[0], way[1]) // then close the other direction
					if c, ok := way[0].(*net.TCPConn); ok {
						_ = c.CloseWrite()
					}
				})
			}
			both.Wait()
		}()
	}
}

// readdress replaces the emulator's URL in the registry.
func (s *Stack) readdress(ctx context.Context, endpoint string) error {
	var services struct {
		Parameters []struct{ Name, Value string }
	}
	in := map[string]any{"Path": "/orderflow/" + Stage + "/services/", "MaxResults": 10}
	if err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.GetParametersByPath", in, &services); err != nil {
		return err
	}
	if len(services.Parameters) == 0 {
		return errors.New("the registry has no parameters")
	}
	for _, p := range services.Parameters {
		name := p.Name[strings.LastIndexByte(p.Name, '/')+1:]
		if err := s.SetAddress(ctx, name, strings.Replace(p.Value, s.Emulator.URL, endpoint, 1)); err != nil {
			return err
		}
	}
	return nil
}

// Environment returns the deployed environment variables of every function of template.yaml, by
// logical id.
func (s *Stack) Environment(ctx context.Context) (map[string]map[string]string, error) {
	var answer struct {
		Resources []struct {
			ResourceType, LogicalResourceId,
			PhysicalResourceId string
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	form := url.Values{"Action": {"DescribeStackResources"}, "Version": {"2010-05-15"},
		"StackName": {cfnStacks[0].name}}
	if err := s.Emulator.callQuery(ctx, "cloudformation", form, &answer); err != nil {
		return nil, fmt.Errorf("list the resources of %s: %w", cfnStacks[0].name, err)
	}
	all := map[string]map[string]string{}
	for _, r := range answer.Resources {
		if r.ResourceType != "AWS::Lambda::Function" {
			continue
		}
		body, err := s.Emulator.send(ctx, http.MethodGet,
			"/2015-03-31/functions/"+r.PhysicalResourceId+"/configuration", "lambda", http.Header{}, nil)
		if err != nil {
			return nil, fmt.Errorf("read the configuration of %s: %w", r.PhysicalResourceId, err)
		}
		var configuration struct {
			Environment struct{ Variables map[string]string }
		}
		if err := json.Unmarshal(body, &configuration); err != nil {
			return nil, fmt.Errorf("the configuration of %s: %w", r.PhysicalResourceId, err)
		}
		all[r.LogicalResourceId] = configuration.Environment.Variables
	}
	return all, nil
}

// Consume enables or disables the event source mappings of all queues and streams. Messages wait
// while they are disabled.
func (s *Stack) Consume(ctx context.Context, enabled bool) error {
	const path = "/2015-03-31/event-source-mappings"
	answer, err := s.Emulator.send(ctx, http.MethodGet, path, "lambda", http.Header{}, nil)
	if err != nil {
		return err
	}
	var list struct{ EventSourceMappings []struct{ UUID string } }
	if err := json.Unmarshal(answer, &list); err != nil {
		return err
	}
	if len(list.EventSourceMappings) == 0 {
		return errors.New("no function has an event source mapping")
	}
	for _, m := range list.EventSourceMappings {
		if err := s.rest(ctx, http.MethodPut, path+"/"+m.UUID, "lambda",
			map[string]bool{"Enabled": enabled}); err != nil {
			return fmt.Errorf("event source mapping %s: %w", m.UUID, err)
		}
	}
	return nil
}
