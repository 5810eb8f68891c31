// Package ses sends mails by Amazon SES, by the first version of its API: it does for a plain mail what the second does, asks for the
// same permission, and every target has it.
package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	"github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/aws/smithy-go"

	"orderflow/internal/notifications"
)

// timeout is how long SES may take. It leaves the function time to give its claim up.
const timeout = 3 * time.Second

// Mailer implements notifications.Mailer.
type Mailer struct {
	client  *ses.Client
	sender  string
	timeout time.Duration
}

// New returns a mailer that sends as sender, an address of an identity that SES has verified.
func New(cfg aws.Config, sender string) Mailer {
	client := ses.NewFromConfig(cfg, func(o *ses.Options) {
		// SES takes the same mail twice: only the caller knows whether to try again.
		o.Retryer = aws.NopRetryer{}
	})
	return Mailer{client: client, sender: sender, timeout: timeout}
}

// Send sends a mail once. It fails with notifications.ErrRefused where the address can never be written to, else with
// notifications.ErrNotSent. Where no answer came in time it may be sent all the same.
func (m Mailer) Send(ctx context.Context, mail notifications.Mail) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	_, err := m.client.SendEmail(ctx, &ses.SendEmailInput{
		Source:      &m.sender,
		Destination: &types.Destination{ToAddresses: []string{mail.To}},
		Message:     &types.Message{Subject: content(mail.Subject), Body: &types.Body{Text: content(mail.Text)}},
	})
	switch {
	case err == nil:
		return nil
	case m.final(err):
		return notifications.ErrRefused.Because(redacted(err))
	}
	return notifications.ErrNotSent.Because(redacted(err))
}

// final reports whether SES refuses this address, whenever it is asked. Codes are final; but SES also gives them where
// the fault is ours for all mails, of a sender that is not verified or an account that may not send, which only its
// message tells. That must go on failing, so that an alarm tells and no mail is lost. A recipient that is not verified is of this
// kind, too: SES asks for that only while the account is in its sandbox.
func (m Mailer) final(err error) bool {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.ErrorCode() {
	case "MessageRejected", "InvalidParameterValue":
		message := strings.ToLower(answer.ErrorMessage())
		for _, ours := range []string{strings.ToLower(m.sender), "for this account", "not verified"} {
			if strings.Contains(message, ours) {
				return false
			}
		}
		return true
	}
	return false
}

func content(text string) *types.Content {
	return &types.Content{Charset: aws.String("UTF-8"), Data: &text}
}

// redacted says what went wrong without SES's message, which quotes addresses.
func redacted(err error) error {
	var answer smithy.APIError
	var network net.Error
	switch {
	case errors.As(err, &answer):
		return errors.New(answer.ErrorCode())
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &network):
		return network
	}
	return fmt.Errorf("an error of type %T", err)
}
