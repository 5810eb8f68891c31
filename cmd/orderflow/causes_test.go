package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDeadLettersAreGroupedByCause(t *testing.T) {
	body, _ := json.Marshal(parked)
	message := func(id string) string {
		return `{"MessageId":"` + id + `","ReceiptHandle":"` + id + `","Body":` + string(body) +
			`,"Attributes":{"SentTimestamp":"1767323045000"}}`
	}
	line := func(id, code string) string {
		return `{"message":"{\"time\":\"2026-01-02T03:04:05Z\",\"msg\":\"event not handled\",` +
			`\"messageId\":\"` + id + `\",\"error\":\"` + code + `: because\"}"}`
	}
	answers := func() map[string][]string {
		return map[string][]string{
			"ListQueues":         {`200 {"QueueUrls":["http://q/0/x-notify-dlq","http://q/0/x-notify"]}`},
			"GetQueueAttributes": {`200 {"Attributes":{"ApproximateNumberOfMessages":"4"}}`},
			"ReceiveMessage": {`200 {"Messages":[` + message("a") + "," + message("b") + "," + message("c") + "," +
				message("d") + `]}`, `200 {}`},
			"ChangeMessageVisibility": {"200 {}"},
			"DescribeLogGroups":       {`200 {"logGroups":[{"logGroupName":"/orderflow/x/all"}]}`},
			"FilterLogEvents": {`200 {"events":[` + line("a", "ExecutionDiffers") + "," + line("b", "SagaUnknown") +
				"," + line("c", "ExecutionDiffers") + "," + line("other", "Nothing") + `]}`},
		}
	}
	b := serve(t, answers())
	out := strings.Join(strings.Fields(runStack(t, b, "dlq", "list")), " ")
	const at = " " + order + " docs/runbooks/"
	if !contains(out, "notify consumer 2 ExecutionDiffers"+at+"dead-letter-queue.md",
		"notify consumer 1 SagaUnknown"+at+"sweeps.md", "notify consumer 1 unknown"+at+"dead-letter-queue.md") ||
		strings.Contains(out, "Nothing") {
		t.Errorf("%s\n%s", out, b.requests)
	}
	if asked := fmt.Sprint(b.requests); strings.Count(asked, "ReceiptHandle") != 4 || !strings.Contains(asked,
		`event not handled`) {
		t.Errorf("messages are not let go, or logs not read: %s", asked)
	}
	out = runStack(t, serve(t, answers()), "dlq", "show", "notify")
	if !contains(out, "ExecutionDiffers: because", "unknown") {
		t.Error(out)
	}
}
