package xray_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/xray"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 250_000_000, time.UTC)

func finished(kind trace.SpanKind, attrs ...attribute.KeyValue) tracing.Finished {
	return tracing.Finished{
		Trace: trace.TraceID{0x6b, 3, 0xed, 0x36, 0x7f, 15: 2}, ID: trace.SpanID{3}, Parent: trace.SpanID{4},
		Function: "brew-tea", Name: "brew (strong)",
		Kind: kind, Began: at, Ended: at.Add(500 * time.Millisecond), Attributes: attrs,
	}
}

func TestSpanIsConvertedToAnXRaySegment(t *testing.T) {
	document := func(change func(*xray.Document)) xray.Document {
		d := xray.Document{
			TraceID: "1-6b03ed36-7f0000000000000000000002", ID: "0300000000000000", ParentID: "0400000000000000",
			Name:  "brew _strong_",
			Start: 1767323045.25, End: 1767323045.75, Type: "subsegment", Annotations: map[string]any{},
		}
		change(&d)
		return d
	}
	entry, root := finished(trace.SpanKindConsumer), finished(trace.SpanKindServer)
	lambda, failed := finished(trace.SpanKindServer), finished(trace.SpanKindInternal)
	entry.RemoteParent = true
	root.Parent = trace.SpanID{}
	lambda.RemoteParent, lambda.LambdaParent = true, true
	failed.Failed = true
	segment := func(d *xray.Document) {
		d.Name, d.Type, d.Annotations = "brew-tea", "", map[string]any{"operation": "brew (strong)"}
	}
	for name, c := range map[string]struct {
		span tracing.Finished
		want xray.Document
	}{
		"within":          {finished(trace.SpanKindInternal), document(func(*xray.Document) {})},
		"from elsewhere":  {entry, document(segment)},
		"a root":          {root, document(func(d *xray.Document) { segment(d); d.ParentID = "" })},
		"in Lambda's own": {lambda, document(func(*xray.Document) {})},
		"failed":          {failed, document(func(d *xray.Document) { d.Fault = true })},
		"annotated": {
			finished(trace.SpanKindInternal, attribute.String("saga.step", "x"), attribute.Int("n", 3)),
			document(func(d *xray.Document) { d.Annotations = map[string]any{"saga_step": "x", "n": int64(3)} }),
		},
		"answered by a server": {
			finished(trace.SpanKindServer, attribute.String("http.request.method", "GET"), tracing.KeyStatus.Int(503)),
			document(func(d *xray.Document) {
				d.HTTP = &xray.HTTP{
					Request: map[string]string{"method": "GET"}, Response: map[string]int64{"status": 503},
				}
			}),
		},
		"a call outside": {
			finished(trace.SpanKindClient, tracing.KeyDependency.String("kettle")),
			document(func(d *xray.Document) { d.Name, d.Namespace = "kettle", "remote" }),
		},
		"a call to AWS": {
			finished(trace.SpanKindClient,
				attribute.String("rpc.service", "DynamoDB"), attribute.String("rpc.method", "GetItem"),
				attribute.String("aws.dynamodb.table_names", "teas"), attribute.String("aws.sqs.queue.url", "q")),
			document(func(d *xray.Document) {
				d.Name, d.Namespace = "DynamoDB", "aws"
				d.AWS = map[string]string{"operation": "GetItem", "table_name": "teas", "queue_url": "q"}
			}),
		},
	} {
		if diff := cmp.Diff(c.want, xray.Of(c.span)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	long := finished(trace.SpanKindInternal)
	long.Name = strings.Repeat("x", 300)
	if got := xray.Of(long).Name; len(got) != 200 {
		t.Errorf("a name of %d characters, X-Ray takes 200", len(got))
	}
}

func TestEachSpanIsADatagramToTheDaemon(t *testing.T) {
	daemon, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = daemon.Close() }()
	address := daemon.LocalAddr().String()
	for _, configured := range []string{address, "tcp:127.0.0.1:1 udp:" + address} {
		e := xray.To(configured)
		huge := finished(trace.SpanKindInternal, attribute.String("pad", strings.Repeat("x", 70_000)))
		e.Export(huge) // more than the daemon takes
		e.Export(finished(trace.SpanKindInternal))
		e.Flush(t.Context())
		b := make([]byte, 1<<16)
		_ = daemon.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := daemon.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b[:n]), "\n")
		var d xray.Document
		const want = `{"format": "json", "version": 1}`
		if head != want || json.Unmarshal([]byte(body), &d) != nil || d.ID != "0300000000000000" {
			t.Errorf("%s: the daemon got %q", configured, b[:n])
		}
	}
}

func TestMissingDaemonIsIgnored(t *testing.T) {
	for _, address := range []string{"127.0.0.1:1", "nonsense", ""} {
		e := xray.To(address)
		begin := time.Now()
		for range 3 {
			e.Export(finished(trace.SpanKindInternal))
		}
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("%q: took %s", address, took)
		}
	}
}
