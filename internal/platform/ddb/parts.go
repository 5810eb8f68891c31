package ddb

import "time"

// The types below are embedded in the services' shapes, for attributes that several kinds of items
// have.

// Stamp is the version of an aggregate and the time of its last change.
type Stamp struct {
	Version   int64     `dynamodbav:"version"`
	UpdatedAt time.Time `dynamodbav:"updatedAt"`
}

// Money is an amount of money; money.Money converts to it and back.
type Money struct {
	Currency string `dynamodbav:"currency"`
	Amount   int64  `dynamodbav:"amount"`
}
