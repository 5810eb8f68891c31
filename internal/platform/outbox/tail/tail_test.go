package tail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"orderflow/internal/platform/outbox/tail"
)

// images are the records of a shard, from sequence number 8 on.
var images = []string{
	`"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"outbox#1"},"event":{"S":"8"}}`,
	`"eventName":"MODIFY","dynamodb":{"NewImage":{"pk":{"S":"pot#1"},"outbox":{"S":"9"},"cups":{"N":"1"}}`,
	`"eventName":"MODIFY","dynamodb":{"NewImage":{"pk":{"S":"pot#1"},"cups":{"N":"2"}}`,
	`"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"pot#2"},"outbox":{"S":"11"}}`,
	`"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"aside#1"},"event":{"S":"12"}}`,
	`"eventName":"REMOVE","dynamodb":{"Keys":{"pk":{"S":"outbox#1"}}`,
	`"eventName":"MODIFY","dynamodb":{"NewImage":{"pk":{"S":"pot#2"},"outbox":{"S":"14"}}`,
}

// failing has the next read of the second shard fail.
var failing atomic.Bool

// serve returns a stream of two shards, the second of which is empty. Pages have two records. With
// gaps, every second page is empty, and the shard is closed.
func serve(t *testing.T, gaps bool) tail.Stream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ExclusiveStartShardId, SequenceNumber, ShardIterator, ShardId, ShardIteratorType string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		switch _, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); {
		case call == "DescribeStream" && in.ExclusiveStartShardId == "":
			_, _ = io.WriteString(w, `{"StreamDescription":{"Shards":[{"ShardId":"a"}],"LastEvaluatedShardId":"a"}}`)
		case call == "DescribeStream":
			_, _ = io.WriteString(w, `{"StreamDescription":{"Shards":[{"ShardId":"b"}]}}`)
		case call == "GetShardIterator" && in.SequenceNumber == "1":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"TrimmedDataAccessException"}`)
		case call == "GetShardIterator":
			n := 8
			_, err := fmt.Sscan(in.SequenceNumber, &n)
			if err == nil && in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
				n++
			}
			_, _ = fmt.Fprintf(w, `{"ShardIterator":"%s %d"}`, in.ShardId, n-8)
		default:
			shard, from, records, dry := "", 0, []string{}, ""
			_, _ = fmt.Sscan(in.ShardIterator, &shard, &from, &dry)
			if shard == "b" && failing.CompareAndSwap(true, false) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"__type":"ExpiredIteratorException"}`)
				return
			}
			if dry == "" && from > 0 && gaps {
				_, _ = fmt.Fprintf(w, `{"Records":[],"NextShardIterator":"%s %d dry"}`, shard, from)
				return
			}
			for n := from; n < len(images) && n < from+2 && shard == "a"; n++ {
				records = append(records, fmt.Sprintf(`{%s,"SequenceNumber":"%d"}}`, images[n], n+8))
			}
			all := strings.Join(records, ",")
			if gaps && from >= len(images) {
				_, _ = fmt.Fprint(w, `{"Records":[]}`) // the shard is closed
				return
			}
			_, _ = fmt.Fprintf(w, `{"Records":[%s],"NextShardIterator":"%s %d"}`, all, shard, from+2)
		}
	}))
	t.Cleanup(server.Close)
	return tail.Stream{ARN: "arn", Client: dynamodbstreams.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})}
}

// numbers returns the numbers of the records of an invocation.
func numbers(t *testing.T, payload []byte) string {
	t.Helper()
	var batch struct {
		Records []struct {
			Change struct{ NewImage map[string]struct{ S string } } `json:"dynamodb"`
		}
	}
	if err := json.Unmarshal(payload, &batch); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range batch.Records {
		got = append(got, r.Change.NewImage["event"].S+r.Change.NewImage["outbox"].S)
	}
	return strings.Join(got, " ")
}

func TestPartHasTheRecordsWithEventsAndNoOthers(t *testing.T) {
	s := serve(t, false)
	for part, want := range map[tail.Part]string{
		{Shard: "a"}: "8 9 11 14", {Shard: "a", From: "9", To: "10"}: "9", {Shard: "a", From: "9", To: "11"}: "9 11",
		{Shard: "a", From: "12", To: "12"}: "", {Shard: "b"}: "",
	} {
		payload, n, err := s.Batch(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, payload); got != want || n != len(strings.Fields(got)) {
			t.Errorf("%+v: %d records, %q; want %q", part, n, got, want)
		}
	}
	if _, _, err := s.Batch(t.Context(), tail.Part{Shard: "a", From: "1", To: "2"}); err == nil {
		t.Error("no error for records that the stream no longer has")
	}
}

func TestAllShardsAreListed(t *testing.T) {
	got, err := serve(t, false).Shards(t.Context())
	if err != nil || len(got) != 2 || got[0].Shard != "a" || got[1].Shard != "b" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPartIsReadToItsEndOrNotAtAll(t *testing.T) {
	for gaps, s := range map[bool]tail.Stream{false: serve(t, false), true: serve(t, true)} {
		for to, want := range map[string]int{"9": 2, "10": 2, "11": 3, "14": 4} {
			if _, n, err := s.Batch(t.Context(), tail.Part{Shard: "a", From: "8", To: to}); err != nil || n != want {
				t.Errorf("gaps %t, to %s: %d records, %v; want %d", gaps, to, n, err, want)
			}
		}
		for _, part := range []tail.Part{{Shard: "a", From: "8", To: "15"}, {Shard: "b", From: "8", To: "8"}} {
			if payload, _, err := s.Batch(t.Context(), part); !errors.Is(err, tail.ErrPart) || payload != nil {
				t.Errorf("gaps %t, %+v: %s, %v; want ErrPart", gaps, part, payload, err)
			}
		}
	}
}

func TestAReaderGoesOnFromItsPlace(t *testing.T) {
	for _, c := range []struct {
		gaps          bool
		after, wanted string
		last          string
		trimmed, end  bool
	}{
		{false, "", "8 9 11 14", "14", false, false}, {false, "8", "9 11 14", "14", false, false},
		{false, "11", "14", "14", false, false}, {true, "9", "11 14", "14", false, true},
		{false, "1", "8 9 11 14", "14", true, false},
	} {
		r := serve(t, c.gaps).Follow("a", c.after)
		var got []string
		var last string
		var trimmed, end bool
		for range 12 {
			p, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.After != "" {
				last = p.After
			}
			got = append(got, strings.Fields(numbers(t, p.Payload))...)
			if trimmed = trimmed || p.Trimmed; p.End {
				end = true
				break
			}
		}
		if strings.Join(got, " ") != c.wanted || last != c.last || trimmed != c.trimmed || end != c.end {
			t.Errorf("%+v: %v, last %s, trimmed %t, end %t", c, got, last, trimmed, end)
		}
	}
}

func TestAReaderGoesOnAfterAnError(t *testing.T) {
	r := serve(t, false).Follow("b", "")
	failing.Store(true)
	if _, err := r.Next(t.Context()); err == nil {
		t.Error("no error of an expired iterator")
	}
	if p, err := r.Next(t.Context()); err != nil || p.Records != 0 || p.End {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestOnlyTheWantedInsertsArePassed(t *testing.T) {
	s := serve(t, false)
	s.Inserts = "aside#"
	if p, err := s.Follow("a", "11").Next(t.Context()); err != nil || numbers(t, p.Payload) != "12" {
		t.Errorf("%s, %v", p.Payload, err)
	}
}
