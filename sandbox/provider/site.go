package provider

import (
	"context"
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"orderflow/internal/platform/signature"
	"orderflow/sandbox/web"
)

// Site is the provider's site, where customers authenticate, and the notices that follow.
type Site struct {
	// Endpoints has the addresses of the site (payment-provider) and of the service payments.
	Endpoints web.Endpoints
	// Secret signs the notices; nil sends none.
	Secret Secret
	// Client sends them. It must have a timeout and must not follow redirects.
	Client *http.Client
}

// Secret is the secret that signs notices.
type Secret interface {
	Value(ctx context.Context) ([]byte, error)
}

// address returns the page on which the customer authenticates.
func (s Site) address(ctx context.Context, reference string) (string, error) {
	base, done, err := s.Endpoints.Pick(ctx, "payment-provider")
	if err != nil {
		return "", err
	}
	done(false) // nothing was called
	return base + "/charges/" + url.PathEscape(reference) + "/authentication", nil
}

// Answers of the customer, in the query of a POST: a form's body does not arrive on every emulator.
const (
	answer        = "answer"
	answerSucceed = "succeed"
	answerFail    = "fail"
)

var pages = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox bank</title>
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>Sandbox bank</h1>
{{if .Waits}}<p>Do you pay {{.Asked.Amount}} for {{.Reference}}?</p>
<form method="post" action="?answer=succeed"><button>Authenticate</button></form>
<form method="post" action="?answer=fail"><button>Fail</button></form>
{{else if .Charge}}<p>Authenticated. You can close this page.</p>
{{else if .Failed}}<p>Authentication failed. You can close this page.</p>
{{else}}<p>There is nothing to authenticate.</p>{{end}}
</main></body></html>
`))

// servePage shows the page, and takes its answer.
func (p *Provider) servePage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		status := http.StatusOK
		e, err := p.page(r)
		if err != nil {
			slog.WarnContext(ctx, "the page was not answered", "error", err.Error())
			status = web.StatusOf(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		if err := pages.Execute(w, e); err != nil {
			slog.WarnContext(ctx, "response not sent", "error", err.Error())
		}
	})
}

func (p *Provider) page(r *http.Request) (Entry, error) {
	reference, err := web.Reference(r.PathValue("reference"))
	if err != nil {
		return Entry{}, err
	}
	if r.Method == http.MethodGet {
		return p.store.Entry(r.Context(), reference)
	}
	given := r.URL.Query().Get(answer)
	if given != answerSucceed && given != answerFail {
		return Entry{}, web.Invalid("answer must be succeed or fail")
	}
	e, err := p.Answer(r.Context(), reference, given == answerSucceed)
	if err != nil {
		return Entry{}, err
	}
	return e, p.notify(r.Context(), e) // repeating the answer sends the notice again
}

// notify sends a notice that an authentication ended, in Stripe's format.
func (p *Provider) notify(ctx context.Context, e Entry) error {
	if p.site.Secret == nil {
		return nil
	}
	secret, err := p.site.Secret.Value(ctx)
	if err != nil {
		return err
	}
	event := "payment_intent.amount_capturable_updated"
	if e.Failed {
		event = "payment_intent.payment_failed"
	}
	body, err := json.Marshal(map[string]any{"id": "evt_" + e.Asked.ID, "type": event, "data": map[string]any{
		"object": map[string]any{"object": "charge", "metadata": map[string]string{"order_id": e.Reference}},
	}})
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(p.clock.Now().Unix(), 10)
	header := http.Header{}
	header.Set("Stripe-Signature", "t="+timestamp+",v1="+signature.Sign(secret, timestamp, body))
	return web.Post(ctx, p.site.Client, p.site.Endpoints, "payments", "/v1/webhooks/payment", header, body)
}
