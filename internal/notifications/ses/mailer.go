// Package ses sends mails with Amazon SES. It uses version 1 of the API: for plain mails it does
// the same with the same permission, and every target supports it.
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

// timeout bounds a call of SES. It leaves the function time to release its claim.
const timeout = 3 * time.Second

// Mailer implements notifications.Mailer.
type Mailer struct {
	client  *ses.Client
	sender  string
	timeout time.Duration
}

// New returns a mailer that sends as sender, an address verified in SES.
func New(cfg aws.Config, sender string) Mailer {
	client := ses.NewFromConfig(cfg, func(o *ses.Options) {
		// SES does not deduplicate mails, so only the caller may retry.
		o.Retryer = aws.NopRetryer{}
	})
	return Mailer{client: client, sender: sender, timeout: timeout}
}

// Send sends a mail once. It fails with notifications.ErrRefused if the address can never receive
// mail, else with notifications.ErrNotSent. After a timeout the mail may have been sent.
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

// final reports whether SES refuses this address for good. It also uses these codes if all mails
// fail because of our configuration: the sender is not verified, or the account may not send. Only
// the message tells the difference. Those errors must stay retryable, so that an alarm fires and no
// mail is lost. So must an unverified recipient, which SES rejects only while the account is in its
// sandbox.
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

// redacted drops SES's message, which quotes addresses.
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
