package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// errNotHeld: the claim was lost, so there is nothing to release.
var errNotHeld = errors.New("the claim is not held")

// mail's attribute names avoid reserved words of DynamoDB's expressions.
type mail struct {
	SK      string               `dynamodbav:"sk"`
	Status  notifications.Status `dynamodbav:"mailStatus"`
	ClaimID string               `dynamodbav:"claimId"`
	// ClaimedUntil is in Unix milliseconds.
	ClaimedUntil int64 `dynamodbav:"claimedUntil"`
	ExpiresAt    int64 `dynamodbav:"expiresAt"`
}

const mailPrefix = "mail#"

func mailKey(orderID string, kind notifications.Kind) (pk, sk string) {
	return "order#" + orderID, mailPrefix + string(kind)
}

func (s Store) mail(c notifications.Claim, status notifications.Status, until time.Time) mail {
	return mail{Status: status, ClaimID: c.ID, ClaimedUntil: until.UnixMilli(), ExpiresAt: s.expiry()}
}

// Claim writes the mail as SENDING.
func (s Store) Claim(ctx context.Context, c notifications.Claim) error {
	pk, sk := mailKey(c.OrderID, c.Kind)
	claimed := s.mail(c, notifications.Sending, c.Until)
	err := s.Commit(ctx, commit.With{}, s.SaveIf(pk, sk, claimed, notifications.ErrSending,
		"attribute_not_exists(pk) OR (mailStatus = :sending AND claimedUntil <= :now)",
		ddb.Values{":sending": status(notifications.Sending), ":now": ddb.Number(s.Clock.Now().UnixMilli())}))
	if !errors.Is(err, notifications.ErrSending) {
		return err
	}
	var found mail
	if _, err := s.Find(ctx, pk, sk, &found); err != nil {
		return err
	}
	switch found.Status {
	case notifications.Sent:
		return notifications.ErrSent
	case notifications.Refused:
		return notifications.ErrRefused
	}
	return notifications.ErrSending
}

// Claims reads mails in one batch.
func (s Store) Claims(
	ctx context.Context, orderID string, kinds []notifications.Kind,
) (map[notifications.Kind]time.Time, error) {
	mails, err := s.mails(ctx, orderID, kinds)
	if err != nil {
		return nil, err
	}
	claims := map[notifications.Kind]time.Time{}
	for _, m := range mails {
		claims[m.kind()] = time.Time{}
		if m.Status == notifications.Sending {
			claims[m.kind()] = time.UnixMilli(m.ClaimedUntil)
		}
	}
	return claims, nil
}

// Mails reads mails of all kinds in one batch. A mail was written Retention before it expires.
func (s Store) Mails(ctx context.Context, orderID string) ([]notifications.Record, error) {
	mails, err := s.mails(ctx, orderID, notifications.Kinds())
	var records []notifications.Record
	for _, m := range mails {
		at := time.Unix(m.ExpiresAt, 0).Add(-notifications.Retention).UTC()
		records = append(records, notifications.Record{Kind: m.kind(), Status: m.Status, At: at})
	}
	slices.SortFunc(records, func(a, b notifications.Record) int { return cmp.Compare(a.Kind, b.Kind) })
	return records, err
}

func (s Store) mails(ctx context.Context, orderID string, kinds []notifications.Kind) ([]mail, error) {
	keys := make([]ddb.Values, len(kinds))
	for i, kind := range kinds {
		keys[i] = ddb.Key(mailKey(orderID, kind))
	}
	return ddb.DecodeAll[mail](s.GetAll(ctx, keys))
}

func status(s notifications.Status) types.AttributeValue { return ddb.String(string(s)) }

func (m mail) kind() notifications.Kind {
	return notifications.Kind(strings.TrimPrefix(m.SK, mailPrefix))
}

// MarkSent writes the mail as SENT.
func (s Store) MarkSent(ctx context.Context, c notifications.Claim) error {
	return s.settle(ctx, c, notifications.Sent)
}

// MarkRefused writes the mail as REFUSED.
func (s Store) MarkRefused(ctx context.Context, c notifications.Claim) error {
	return s.settle(ctx, c, notifications.Refused)
}

func (s Store) settle(ctx context.Context, c notifications.Claim, status notifications.Status) error {
	pk, sk := mailKey(c.OrderID, c.Kind)
	return s.Commit(ctx, commit.With{}, s.Save(pk, sk, s.mail(c, status, c.Until)))
}

// Release lets the claim expire now.
func (s Store) Release(ctx context.Context, c notifications.Claim) error {
	pk, sk := mailKey(c.OrderID, c.Kind)
	err := s.Commit(ctx, commit.With{}, s.SaveIf(pk, sk, s.mail(c, notifications.Sending, s.Clock.Now()), errNotHeld,
		"mailStatus = :sending AND claimId = :id",
		ddb.Values{":sending": status(notifications.Sending), ":id": ddb.String(c.ID)}))
	if errors.Is(err, errNotHeld) {
		return nil
	}
	return err
}
