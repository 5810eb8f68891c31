package function

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Timeouts of calls to AWS. The SDK has none: a connection that died while the process was frozen
// would consume the whole invocation. No call waits for an event, so each normally takes a fraction
// of a second.
const (
	// attemptTimeout bounds one attempt, from connecting to the last byte. Two attempts fit into
	// the shortest timeout of a function.
	attemptTimeout = 3 * time.Second
	// emulatorTimeout is the same for an emulator, which shares a laptop's processors with all that
	// it runs.
	emulatorTimeout = 8 * time.Second
	// connectTimeout bounds the connection set-up.
	connectTimeout = time.Second
	// idleTimeout bounds the idle time of a connection, including the time that the process is
	// frozen. It is shorter than AWS's own limits.
	idleTimeout = 50 * time.Second
)

// awsClient returns the HTTP client that all AWS clients of a process share. It speaks HTTP/1.1
// only, so that an attempt that times out closes its connection instead of leaving a dead one
// behind.
func awsClient(timeout time.Duration) aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTimeout(timeout).WithTransportOptions(func(t *http.Transport) {
		dialer := *awshttp.NewBuildableClient().GetDialer()
		dialer.Timeout = connectTimeout
		t.DialContext, t.TLSHandshakeTimeout, t.IdleConnTimeout = dialer.DialContext, connectTimeout, idleTimeout
		t.ForceAttemptHTTP2, t.Protocols = false, new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}).Freeze()
}
