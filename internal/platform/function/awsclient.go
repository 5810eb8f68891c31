package function

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Limits of calls to AWS. The SDK has none of its own: a connection that died while the process was frozen would take all of the
// invocation that finds it. No call of a function waits for something to happen, so each is answered in a fraction of a second.
const (
	// attempt bounds one attempt, from connecting to the last byte. Two of them fit into the shortest timeout of a function.
	attempt = 3 * time.Second
	// emulatorAttempt is the same where an emulator shares a laptop's processors with everything that it runs.
	emulatorAttempt = 8 * time.Second
	// connecting bounds the making of a connection.
	connecting = time.Second
	// idling is how long a connection may be idle. It is shorter than AWS's own limits, and counts the time that a process is frozen.
	idling = 50 * time.Second
)

// awsClient returns the HTTP client that all clients of AWS in a process share. It speaks HTTP/1.1 only: an attempt that times
// out closes its connection then, and does not leave a dead one to those that follow.
func awsClient(attempt time.Duration) aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTimeout(attempt).WithTransportOptions(func(t *http.Transport) {
		dialer := *awshttp.NewBuildableClient().GetDialer()
		dialer.Timeout = connecting
		t.DialContext, t.TLSHandshakeTimeout, t.IdleConnTimeout = dialer.DialContext, connecting, idling
		t.ForceAttemptHTTP2, t.Protocols = false, new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}).Freeze()
}
