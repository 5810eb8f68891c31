package arch

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/cfn"
)

// refusals matches declarations of errors whose code a client may act on. Errors of other kinds are
// 5xx, for which the status is enough.
var refusals = regexp.MustCompile(`\b(?:fault\.)?New\((?:fault\.)?` +
	`(?:Invalid|Unauthenticated|Forbidden|NotFound|Conflict|TooLarge|Refused|TimedOut|Limited), "(\w+)"`)

// notReturned are codes that no HTTP operation returns, with reasons.
var notReturned = map[string]string{
	"AdjustmentRefused":     "of the warehouse's messages",
	"CompensationExhausted": ofRepair, "ExecutionDiffers": ofRepair, "ExecutionExists": ofRepair,
	"ExecutionNotFound": ofRepair, "InvalidName": ofRepair, "InvalidOutput": ofRepair, "NothingToRetry": ofRepair,
	"SagaRunning": ofRepair, "SagaUnknown": ofRepair, "StaleToken": ofRepair, "Unsigned": ofRepair,
	"InvalidEvent": ofEvents, "MailOvertaken": ofEvents, "MailRefused": ofEvents, "MailSent": ofEvents,
	"MalformedEvent": ofEvents, "UnexpectedEvent": ofEvents,
	"InvalidInput": ofSteps, "NoCharge": ofSteps, "NotReserved": ofSteps, "OrderClosed": ofSteps, "OutOfStock": ofSteps,
	"PaymentAbandoned": ofSteps, "PaymentActionRequired": ofSteps, "PaymentDeclined": ofSteps,
	"PaymentNotAuthorized": ofSteps, "PaymentVoided": ofSteps,
	"ReferenceCancelled": ofSteps, "ReferenceVoided": ofSteps, "ShipmentCancelled": ofSteps,
	"ShipmentRefused": ofSteps, "StepCompensated": ofSteps,
	"InvalidLines": "the contract refuses such a body first, as InvalidRequest",
	"TokenExpired": ofWatch, "TooManyWatchers": ofWatch,
}

const (
	ofEvents = "of consumers of events"
	ofRepair = "of the saga and its repair, which the CLI shows"
	ofSteps  = "of steps of the saga"
	ofWatch  = "of the native RPC process, in its own protocol"
)

// byTheGateway are codes of API Gateway's own responses.
var byTheGateway = []string{"TooManyRequests"}

var refusalRules = []Rule{
	ofCore(rule("the contract has the codes of errors that code returns, and no others",
		"a program decides by the code, and finds it in no other place",
		func(r *Repo, bad *list) {
			documented := r.documented()
			shared, everywhere := r.refusals("platform"), maps.Clone(documented["gateway"])
			for _, codes := range documented {
				maps.Copy(everywhere, codes)
			}
			used := func(code, where string, in map[string]bool) {
				bad.unless(in[code] || notReturned[code] != "", "%s: no operation's responses show %s", where, code)
				bad.unless(!in[code] || notReturned[code] == "", "%s is shown: remove it from notReturned", code)
			}
			all := maps.Clone(shared)
			for code := range shared {
				used(code, "platform", everywhere)
			}
			for _, service := range Services {
				if slices.Contains(Optional, service) {
					continue
				}
				own := r.refusals(service)
				maps.Copy(all, own)
				for code := range own {
					used(code, service, documented[service])
				}
				for code := range documented[service] {
					known := own[code] || shared[code] || slices.Contains(byTheGateway, code)
					bad.unless(known || service == "gateway", "%s: nothing returns %s", service, code)
				}
			}
			for code := range documented["gateway"] { // passes on what services return
				bad.unless(all[code] || slices.Contains(byTheGateway, code), "gateway: nothing returns %s", code)
			}
		},
		func(r *Repo) {
			p := r.Packages["internal/orders"]
			p.Source = strings.Replace(p.Source, `"TotalChanged"`, `"TotalDiffers"`, 1)
		})),
}

// refusals returns the codes that a service's code, or the platform's, declares.
func (r *Repo) refusals(service string) map[string]bool {
	codes := map[string]bool{}
	for dir, p := range r.Packages {
		if !strings.HasPrefix(dir+"/", "internal/"+service+"/") || strings.HasSuffix(path.Base(dir), "test") {
			continue
		}
		for _, m := range refusals.FindAllStringSubmatch(p.Source, -1) {
			codes[m[1]] = true
		}
	}
	return codes
}

// documented returns the codes of the refusals in the operations of each service.
func (r *Repo) documented() map[string]map[string]bool {
	codes := map[string]map[string]bool{}
	for _, op := range r.operations() {
		service := strings.Replace(texts(op.body["tags"])[0], "legacy", "gateway", 1)
		if codes[service] == nil {
			codes[service] = map[string]bool{}
		}
		responses, _ := op.body["responses"].(map[string]any)
		for status, response := range responses {
			if !strings.HasPrefix(status, "4") {
				continue
			}
			examples, _ := cfn.Dig(response, "content", "application/problem+json", "examples").(map[string]any)
			for _, example := range examples {
				name := path.Base(text(cfn.Dig(example, "$ref")))
				codes[service][text(cfn.Dig(r.Spec, "components", "examples", name, "value", "code"))] = true
			}
		}
	}
	return codes
}
