package function

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/tracing"
)

func TestAProcessHasLogsMetricsSpansAndItsOwnCredentials(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var out bytes.Buffer
	vars := map[string]string{"STAGE": "dev", "AWS_REGION": "eu-central-1", "TRACES_URL": "http://127.0.0.1:9"}
	ctx, env, flush := Process(t.Context(), &out, lookup(vars), "gateway", "rpc")
	slog.InfoContext(ctx, "serving")
	metrics.Count(ctx, metrics.WatchReads, 1)
	for _, want := range []string{`"msg":"serving","function":"rpc"`, `"WatchReads":1`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s lacks %s", out.String(), want)
		}
	}
	if _, span := tracing.Start(tracing.Begin(ctx), "call", tracing.Server); !span.IsRecording() {
		t.Error("calls are not traced")
	}
	flush(ctx)

	env.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "of the task"}, nil
	})
	creds, err := env.AWS().Credentials.Retrieve(ctx)
	if err != nil || creds.AccessKeyID != "of the task" || env.Err() != nil {
		t.Errorf("%+v, %v, %v", creds, err, env.Err())
	}
}
