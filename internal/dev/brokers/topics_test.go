package brokers

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"orderflow/internal/dev/devstack"
)

func TestEveryServiceThatPublishesHasATopic(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(repo.Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, found := range regexp.MustCompile(`TopicName: !Sub "\$\{AWS::StackName\}-(\w+)"`).FindAllSubmatch(text, -1) {
		// The gateway's only event tells of a circuit, which forward-events leaves out.
		if service := string(found[1]); service != "alarms" && service != "gateway" {
			want = append(want, "orderflow."+service+".events")
		}
	}
	got := slices.Sorted(slices.Values(Topics))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("topics %v, want %v", got, want)
	}
}
