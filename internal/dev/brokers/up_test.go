package brokers

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/cfn"
)

func TestEveryServiceThatPublishesHasATopic(t *testing.T) {
	text, err := os.ReadFile(repo(t).Path("template.yaml"))
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

// SAM ignores parameters that a template does not have.
func TestTemplatesHaveTheParametersThatTheyGet(t *testing.T) {
	paths := map[string]string{"sandbox": "sandbox"}
	for _, service := range []string{"reporting", "warehouse"} {
		paths[service] = filepath.Join("stacks", service)
	}
	for service, parameters := range parametersOf(map[string]string{}) {
		template, err := cfn.Read(repo(t).Path(paths[service], "template.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		declared, _ := template["Parameters"].(map[string]any)
		for name := range parameters {
			if declared[name] == nil {
				t.Errorf("%s has no parameter %s", service, name)
			}
		}
		for name := range declared {
			if _, given := parameters[name]; !given && cfn.Dig(template, "Parameters", name, "Default") == nil {
				t.Errorf("%s does not get its parameter %s", service, name)
			}
		}
	}
}

func repo(t *testing.T) devstack.Repo {
	t.Helper()
	r, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
