// Package dynamo is notifications' store in DynamoDB. Besides what package ddb keeps, the table
// holds:
//
//	pk               sk           what
//	order#<orderId>  mail#<kind>  whether the mail is SENDING, SENT or REFUSED
//
// Items with contact data under the same pk are from before release 0.11; they expire.
package dynamo

import (
	"orderflow/internal/notifications"
	"orderflow/internal/platform/ddb"
)

// Store implements notifications.Store.
type Store struct{ *ddb.Table }

// expiry is the TTL of items written now.
func (s Store) expiry() int64 { return s.Clock.Now().Add(notifications.Retention).Unix() }
