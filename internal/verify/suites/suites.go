// Package suites runs every suite that needs no AWS account, and prints a table of targets, suites
// and counts.
//
// A suite is a documented command. Its result is read from its output: a suite that succeeds
// without printing its counts fails. A suite is "not run", with the reason in the table, if the
// machine lacks something (a container engine, Java) or there is no time for it; with
// Options.Strict this is a failure.
package suites

import (
	"strings"
	"time"
)

// goRunDev is the program of commands of cmd/dev.
const goRunDev = "go run ./cmd/dev"

// virtualTime is the target of tests whose time is virtual: other work does not disturb them.
const virtualTime = "simulation"

// A Suite is a command and how to read its output.
type Suite struct {
	Name    string // for -only, and for its log
	Program string // make or goRunDev
	Args    []string
	About   time.Duration // duration on two idle cores, with tools installed
	Tests   func(pkg string) place
	Again   bool // failed tests run once more if other work may have disturbed them
	Figures []figure
}

// A place is a target and a suite.
type place struct{ Target, Suite string }

// A figure is a line that the suite must print. Its pattern has two of the groups passed, failed
// and of. A group listed counts what did not run, with reasons in lines "not run on …".
type figure struct {
	place
	Unit    string
	Pattern string
}

// suites are ordered by value per time: the last ones may not run (-within).
var suites = []Suite{
	{
		Name: "lint", Program: "make", Args: []string{"lint"}, About: 85 * time.Second,
		Figures: []figure{{place{"sources", "make lint"}, "checks",
			`(?m)^lint: (?P<passed>\d+) of (?P<of>\d+) checks are clean$`}},
	},
	{
		Name: "test", Program: "make", Args: []string{"test", "TESTFLAGS=-json -count=1"}, About: 8 * time.Minute,
		Tests: byPackage, Again: true,
		Figures: []figure{{place{"MiniStack", "grants to roles, both ways"}, "grants",
			`(?m)^roles: \d+ roles, (?P<of>\d+) grants: .* (?P<failed>\d+) problems in all$`}},
	},
	{
		Name: "check-infra", Program: goRunDev, Args: []string{"check-infra"}, About: 60 * time.Second,
		Figures: []figure{{place{"template", "checkov"}, "checks",
			`(?m)^checkov: (?P<passed>\d+) passed, .* (?P<failed>\d+) problems$`}},
	},
	{
		Name: "oracle", Program: goRunDev, Args: []string{"oracle", "--", "-json"}, About: 120 * time.Second,
		Tests: func(string) place { return place{"DynamoDB Local", "stores"} },
	},
	{
		Name: "sim", Program: goRunDev, Args: []string{"sim"}, About: 60 * time.Second,
		Figures: []figure{{place{virtualTime, "orders under injected faults"}, "orders",
			`(?m)^\d+ seeds, (?P<of>\d+) orders, \d+ faults, (?P<failed>\d+) violations$`}},
	},
	{
		Name: "sim-brokers", Program: goRunDev, Args: []string{"sim", "--brokers", "--seeds", "240"},
		About: 60 * time.Second,
		Figures: []figure{{place{virtualTime, "orders with reporting and the warehouse"}, "orders",
			`(?m)^\d+ seeds, (?P<of>\d+) orders, \d+ faults, (?P<failed>\d+) violations$`}},
	},
	{
		Name: "sim-one-process", Program: goRunDev, Args: []string{"sim", "--one-process", "--seeds", "120"},
		About: 25 * time.Second,
		Figures: []figure{{place{virtualTime, "orders with processes that execute the sagas"}, "orders",
			`(?m)^\d+ seeds, (?P<of>\d+) orders, \d+ faults, (?P<failed>\d+) violations$`}},
	},
	{
		Name: "one-process", Program: goRunDev, Args: []string{"one-process"}, About: 120 * time.Second,
		Figures: []figure{{place{"one process", "end to end"}, "tests",
			`(?m)^one-process: (?P<passed>\d+) of (?P<of>\d+) tests passed, (?P<listed>\d+) listed as not run$`}},
	},
	{
		Name: "chaos-serve", Program: goRunDev, Args: []string{"chaos", "--serve", "--orders", "30", "--kills", "6"},
		About: 30 * time.Second,
		Figures: []figure{{place{"one process", "killed while orders come"}, "invariants",
			`(?m)^(?P<of>\d+) +invariants\n(?P<failed>\d+) +violations$`}},
	},
	{
		Name: "sim-mutants", Program: goRunDev, Args: []string{"sim", "--mutants"}, About: 100 * time.Second,
		Figures: []figure{{place{virtualTime, "defects that it must find"}, "defects",
			`(?m)^caught (?P<passed>\d+) of (?P<of>\d+)$`}},
	},
	{
		Name: "prove", Program: goRunDev, Args: []string{"prove"}, About: 220 * time.Second,
		Figures: []figure{{place{"search", "every way that an order can go"}, "states",
			`(?m)^states +(?P<of>\d+),(?s:.*)^violations +(?P<failed>\d+)$`},
			searched("every way that a request between two shops can go", "a request of an old client"),
			searched("every way of a stock movement into inventory", "a message of the warehouse"),
			searched("every way of records into the reports", "records of the log and the reports"),
			searched("every way of records into the reports, with a rebuild",
				"records of the log, the reports and a rebuild")},
	},
	{
		Name: "prove-mutants", Program: goRunDev, Args: []string{"prove", "--mutants"}, About: 20 * time.Second,
		Figures: []figure{{place{"search", "defects that it must find"}, "defects",
			`(?m)^caught (?P<passed>\d+) of (?P<of>\d+)$`}},
	},
	{
		Name: "sam", Program: goRunDev, Args: []string{"sam"}, About: 5 * time.Minute,
		Figures: []figure{
			{place{"SAM CLI", "sam build"}, "functions",
				`(?m)^sam: (?P<passed>\d+) functions built for both architectures;`},
			{place{"SAM CLI", "sam deploy, then sam delete"}, "resources",
				`(?m); of (?P<of>\d+) resources deployed, (?P<failed>\d+) are left by sam delete$`},
		},
	},
	{
		Name: "brokers", Program: goRunDev, Args: []string{"brokers", "--", "-json"}, About: 315 * time.Second,
		Tests: func(pkg string) place {
			if strings.HasSuffix(pkg, "/services") {
				return place{"Kafka, RabbitMQ", "reporting and warehouse, end to end"}
			}
			return place{"Kafka, RabbitMQ", "brokers and connections"}
		},
	},
	{
		Name: "localstack", Program: goRunDev, Args: []string{"localstack"}, About: 17 * time.Minute,
		Figures: []figure{{place{"LocalStack", "end to end"}, "tests",
			`(?m)^localstack: (?P<passed>\d+) of (?P<of>\d+) tests passed, (?P<listed>\d+) listed as not run$`}},
	},
	{
		Name: "sam-local", Program: goRunDev, Args: []string{"sam-local"}, About: 210 * time.Second,
		Figures: []figure{
			{place{"sam local", "invoke, every function"}, "functions",
				`(?m)^sam-local: (?P<passed>\d+) of (?P<of>\d+) functions,`},
			{place{"sam local", "start-api, the collection"}, "requests",
				`(?m)^sam-local: .* (?P<passed>\d+) of (?P<of>\d+) requests$`},
			{place{"sam local", "start-api, end to end"}, "tests",
				`(?m)^sam-local: (?P<passed>\d+) of (?P<of>\d+) tests passed, (?P<listed>\d+) listed as not run$`},
		},
	},
	{
		Name: "conformance", Program: goRunDev, Args: []string{"conformance"}, About: 235 * time.Second,
		Figures: []figure{{place{"MiniStack", "API against its contract"}, "cases",
			`(?m)^conformance: (?P<of>\d+) cases, (?P<failed>\d+) failures$`}},
	},
	{
		Name: "reproducible", Program: goRunDev, Args: []string{"reproduce"}, About: 270 * time.Second,
		Figures: []figure{{place{"packages", "built twice, the same"}, "packages",
			`(?m)^(?P<passed>\d+) of (?P<of>\d+) packages are the same$`}},
	},
}

// searched is the figure of a search whose output has a title with this prefix.
func searched(suite, title string) figure {
	return figure{place{"search", suite}, "runs",
		`(?m)^` + title + `.*\n(?:.+\n)*?runs +(?P<of>\d+),.*\n(?:.+\n)*?broken +(?P<failed>\d+)$`}
}

// byPackage groups the tests of `make test`: packages that use its emulator are known by name.
func byPackage(pkg string) place {
	pkg = strings.TrimPrefix(pkg, "orderflow/")
	switch {
	case pkg == "test/e2e":
		return place{"MiniStack", "end to end"}
	case pkg == "test/differential":
		return place{"MiniStack", "state machines against our interpreter"}
	case strings.HasSuffix(pkg, "/dynamo"), pkg == "internal/platform/ddb":
		return place{"MiniStack", "stores"}
	case pkg == "internal/verify/sim", pkg == "internal/verify/prove", pkg == "internal/verify/twoshops",
		pkg == "internal/verify/movements", pkg == "internal/verify/projection":
		return place{virtualTime, "tests of it, and short runs"}
	default:
		return place{"Go", "unit tests"}
	}
}
