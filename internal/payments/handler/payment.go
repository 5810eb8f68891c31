package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/money"
)

// payment is a payment in API responses.
type payment struct {
	OrderID        string           `json:"orderId"`
	Status         payments.Status  `json:"status"`
	Amount         money.Money      `json:"amount"`
	Reason         string           `json:"reason,omitempty"`
	RefundedAmount *money.Money     `json:"refundedAmount,omitempty"`
	Dispute        payments.Dispute `json:"dispute,omitempty"`
}

// GetPayment builds the function get-payment, which does not call the provider.
func GetPayment(env *function.Env) function.Handler {
	return getPayment(payments.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs))
}

func getPayment(svc *payments.Service) function.Handler {
	return own.Get("getPayment", "orderId", svc.GetPayment)
}

var own = httpapi.Owned[payments.Payment, payment]{
	Owner: func(p payments.Payment) string { return p.CustomerID }, Form: fromDomain, Missing: payments.ErrNoPayment,
}

func fromDomain(p payments.Payment) payment {
	out := payment{OrderID: p.OrderID, Status: p.Status, Amount: p.Amount, Reason: p.DeclineCode, Dispute: p.Dispute}
	if refunded := p.RefundedAmount(); refunded.Amount > 0 {
		out.RefundedAmount = &refunded
	}
	return out
}
