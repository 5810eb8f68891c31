package ses

import (
	"context"
	"errors"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/notifications"
)

var mail = notifications.Mail{To: "ada@example.com", Subject: "Grüße", Text: "Hello,\n\nyour order is confirmed."}

// open returns a mailer that calls serve.
func open(t *testing.T, serve http.HandlerFunc) Mailer {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return at(server.URL)
}

func at(url string) Mailer {
	return New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, "shop@example.com")
}

func TestMailIsSentUnchanged(t *testing.T) {
	got := url.Values{}
	m := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		got = r.PostForm
		_, _ = io.WriteString(w, `<SendEmailResponse>
			<SendEmailResult><MessageId>1</MessageId></SendEmailResult>
		</SendEmailResponse>`)
	})
	if err := m.Send(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"Action": {"SendEmail"}, "Version": {"2010-12-01"},
		"Source": {"shop@example.com"}, "Destination.ToAddresses.member.1": {mail.To},
		"Message.Subject.Data": {mail.Subject}, "Message.Subject.Charset": {"UTF-8"},
		"Message.Body.Text.Data": {mail.Text}, "Message.Body.Text.Charset": {"UTF-8"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("SES received %v, want %v", got, want)
	}
}

// serveError responds with an error of SES.
func serveError(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>`+code+`</Code><Message>`+
		html.EscapeString(message)+`</Message></Error></ErrorResponse>`)
}

func TestOnlyFaultsOfTheAddressAreFinal(t *testing.T) {
	const unverified = "Email address is not verified. " +
		"The following identities failed the check in region EU-CENTRAL-1: "
	for _, c := range []struct {
		code, message string
		final         bool
	}{
		{"MessageRejected", unverified + "ada@example.com", false}, // the account is in SES's sandbox
		{"MessageRejected", "Address blacklisted.", true},
		{"InvalidParameterValue", "Missing final '@domain'", true},
		{"InvalidParameterValue", "Local address contains control or whitespace", true},
		{"MessageRejected", unverified + "Shop@Example.com", false},
		{"MessageRejected", unverified + "ada@example.com, shop@example.com", false},
		{"MessageRejected", "Sending suspended for this account. For more information, please check the inbox", false},
		{"MessageRejected", "Sending paused for this account. For more information please check the inbox", false},
		{"InvalidParameterValue", "Illegal address: <shop@example.com>", false},
		{"AccountSendingPausedException", "Sending paused", false},
		{"ConfigurationSetDoesNotExist", "no", false},
		{"MailFromDomainNotVerifiedException", "no", false},
		{"AccessDenied", "User is not authorized to perform ses:SendEmail on resource identity/ada@example.com", false},
		{"Throttling", "Maximum sending rate exceeded.", false},
		{"Throttling", "Daily message quota exceeded.", false},
		{"ServiceUnavailable", "", false},
	} {
		m := open(t, func(w http.ResponseWriter, _ *http.Request) {
			serveError(w, http.StatusBadRequest, c.code, c.message)
		})
		err := m.Send(t.Context(), mail)
		if errors.Is(err, notifications.ErrRefused) != c.final || errors.Is(err, notifications.ErrNotSent) == c.final {
			t.Errorf("%s %q: %v; want it final: %t", c.code, c.message, err, c.final)
		}
		if err == nil || strings.Contains(err.Error(), "ada") || strings.Contains(err.Error(), "shop@") {
			t.Errorf("%s: error %v; want one without an address", c.code, err)
		}
	}
}

func TestFailureIsNotRetriedAndQuotesNoAddress(t *testing.T) {
	var calls atomic.Int32
	for code, status := range map[string]int{
		"MessageRejected": http.StatusBadRequest, "Throttling": http.StatusBadRequest,
		"InternalFailure": http.StatusInternalServerError,
	} {
		m := open(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			serveError(w, status, code, "Email address is not verified: ada@example.com")
		})
		calls.Store(0)
		err := m.Send(t.Context(), mail)
		if err == nil || !strings.Contains(err.Error(), code) || strings.Contains(err.Error(), "ada") {
			t.Errorf("Send: %v, want an error with %s and no address", err, code)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: %d calls to SES, want 1", code, n)
		}
	}
}

func TestCallTimesOut(t *testing.T) {
	m := open(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then the server does not notice the client's disconnect
		<-r.Context().Done()
	})
	m.timeout = 10 * time.Millisecond
	err := m.Send(t.Context(), mail)
	if !errors.Is(err, notifications.ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Send: %v, want ErrNotSent and DeadlineExceeded", err)
	}
}

func TestSendFailsIfSESIsUnreachable(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	m := at(server.URL)
	err := m.Send(t.Context(), mail)
	if !errors.Is(err, notifications.ErrNotSent) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("Send: %v, want ErrNotSent and a refused connection", err)
	}
}
