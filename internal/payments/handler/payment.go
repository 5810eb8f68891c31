package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// GetPayment builds the function get-payment, which does not call the provider.
func GetPayment(env *function.Env) function.Handler {
	return getPayment(storeOnly(env))
}

func getPayment(svc *payments.Service) function.Handler {
	return own.Get("getPayment", "orderId", svc.GetPayment)
}

var own = httpapi.Owned[payments.Payment, contract.Payment]{
	Owner: func(p payments.Payment) string { return p.CustomerID }, Form: fromDomain, Missing: payments.ErrNoPayment,
}

func fromDomain(p payments.Payment) contract.Payment {
	out := contract.Payment{
		OrderID: p.OrderID, Status: string(p.Status), Amount: p.Amount, Reason: p.DeclineCode,
		Dispute: string(p.Dispute),
	}
	if refunded := p.RefundedAmount(); refunded.Amount > 0 {
		out.RefundedAmount = &refunded
	}
	return out
}
