package arch

import (
	"regexp"
	"strings"
)

const module = "orderflow/"

// Expressions for directories; anyService and inService have the service as their group.
var (
	anyService = "(" + strings.Join(Services, "|") + ")"
	inService  = "^(?:internal|functions)/" + anyService + `\b`
	theProduct = inService + "|^internal/platform/"
	services   = "^" + module + "(?:internal|functions)/" + anyService + `\b`
)

// A ban forbids imports.
type ban struct {
	name, why string
	from, to  string // expressions for directories and import paths
	except    string // an expression for pairs "directory path"; $1 is the group of from
	sabotage  string // a pair
}

var bans = []ban{
	{"a service imports another one only through its contract",
		"distributed monolith: services that share code must be changed and deployed together",
		inService, services, " " + module + `(internal|functions)/$1\b|/contract$`,
		"internal/orders orderflow/internal/payments"},
	{"services import only the platform and contracts",
		"anything else a service needs belongs to the service; another service's code has its own rule",
		inService, "^" + module, " " + module + "(internal/platform/|api$|(internal|functions)/" + anyService + `\b)`,
		"internal/orders orderflow/sandbox/provider"},
	{"the product never imports verify, dev or ops",
		"code that proves, runs or operates the product must not be deployed with it",
		theProduct + "|^sandbox", "^" + module + "internal/(verify|dev|ops)/", "",
		"internal/platform/health orderflow/internal/dev/devstack"},
	{"the operator's CLI never imports verify, and little of dev",
		"it is installed on operators' machines; it finds the local stack, and signs in its users",
		"^(cmd/orderflow$|internal/ops/)", "^" + module + "internal/(verify|dev)/",
		"^cmd/orderflow " + module + "internal/dev/devstack$",
		"internal/ops/client orderflow/internal/dev/devstack"},
	{"nothing outside test/ imports test/",
		"test/ holds suites only; code that others need belongs elsewhere",
		"", "^" + module + "test/", "^test/",
		"cmd/dev orderflow/test/differential"},
	{"domain, contract and memory packages do not import AWS",
		"premature microservices: tests and the simulation run the whole system in one process",
		"^internal/" + anyService + `(/(.+/)?(contract|memory|storetest))?$`,
		"^github.com/aws/|^" + module + "internal/platform/(ddb|function)$", "",
		"internal/orders github.com/aws/aws-sdk-go-v2/service/sqs"},
	{"domain packages record no metrics",
		"only handlers know what happened for the first time and what is a repetition",
		inService, "^" + module + "internal/platform/metrics$", "^[^ ]+/handler ",
		"internal/orders orderflow/internal/platform/metrics"},
	{"the platform imports no service",
		"it serves all of them; what only one needs belongs to that service",
		"^internal/platform/", services, "",
		"internal/platform/barrier orderflow/internal/orders/contract"},
	{"no function invokes another",
		"distributed monolith: services talk by events, and only state machines make the saga's calls",
		"", "^github.com/aws/aws-sdk-go-v2/service/lambda", "",
		"internal/gateway/handler github.com/aws/aws-sdk-go-v2/service/lambda"},
	{"the sandbox imports no service",
		"it plays third parties, which share no code with us",
		"^sandbox", services, "",
		"sandbox/provider orderflow/internal/payments"},
}

func (b ban) rule() Rule {
	from, to := regexp.MustCompile(b.from), regexp.MustCompile(b.to)
	return Rule{Name: b.name, Why: b.why,
		Check: func(r *Repo, bad *list) {
			for dir, p := range r.Packages {
				match := from.FindStringSubmatch(dir)
				if match == nil {
					continue
				}
				except := b.except
				if len(match) > 1 {
					except = strings.ReplaceAll(except, "$1", match[1])
				}
				allowed := regexp.MustCompile(except)
				for imp := range p.Imports {
					ok := !to.MatchString(imp) || except != "" && allowed.MatchString(dir+" "+imp)
					bad.unless(ok, "%s imports %s", dir, imp)
				}
			}
		},
		Sabotage: addImport(strings.Cut(b.sabotage, " ")),
	}
}

func addImport(dir, imp string, _ bool) func(*Repo) {
	return func(r *Repo) { r.Packages[dir].Imports[imp] = true }
}

// A phrase is text that source code must not contain.
type phrase struct {
	name, why  string
	in, except string   // expressions for directories
	texts      []string // the sabotage adds the first to internal/payments
}

var phrases = []phrase{
	{"outbound HTTP goes through package httpclient",
		"ignoring the network: one place bounds the time, size and errors of calls",
		theProduct, "^internal/platform/httpclient$",
		[]string{"http.Client{", "http.DefaultClient", "http.Get(", "http.Post("}},
	{"outbound calls are guarded by package outbound",
		"cascading failures: a client built elsewhere has no circuit breaker, or does not share one",
		theProduct, "^internal/platform/outbound$", []string{"httpclient.Config{", "resilience.NewBreaker("}},
	{"only package ddb writes tables",
		"any other write could change business data without its barrier and events",
		theProduct, "^internal/platform/ddb$",
		[]string{".TransactWriteItems(", ".PutItem(", ".UpdateItem(", ".DeleteItem(", ".BatchWriteItem("}},
	{"an item is updated, never replaced",
		"an old version of a function would drop fields that a newer one added",
		theProduct + "|^sandbox/", "^internal/platform/ddb$", []string{"types.Put{", "types.PutRequest{"}},
	{"time is injected", "tests and the simulation control the clock",
		theProduct, "^internal/platform/clock$", []string{"time.Now(", "time.Sleep(", "time.Since("}},
	{"request code does not panic", "a panic costs the process and its warm start",
		theProduct, "^$", []string{"panic("}},
	{"magic values exist only in the sandbox", "a handler that knows them behaves differently under test",
		theProduct, "^$", []string{"sandbox_timeout", "sandbox_flaky", "sandbox_error", "chargeDeclined"}},
	{"an address is in the registry, not in code",
		"hard-coded endpoints: when a service moves, each of its callers must be deployed again",
		// The registry and awsjson find AWS itself; the types of problem documents are names.
		theProduct + "|^sandbox/", "^internal/platform/(registry|awsjson|httpapi)$",
		[]string{`"https://`, `"http://`, "execute-api"}},
}

func (f phrase) rule() Rule {
	in, except := regexp.MustCompile(f.in), regexp.MustCompile(f.except+"|test$")
	return Rule{Name: f.name, Why: f.why,
		Check: func(r *Repo, bad *list) {
			for dir, p := range r.Packages {
				for _, t := range f.texts {
					free := !in.MatchString(dir) || except.MatchString(dir)
					bad.unless(free || !strings.Contains(p.Source, t), "%s uses %s", dir, t)
				}
			}
		},
		Sabotage: func(r *Repo) { r.Packages["internal/payments"].Source += f.texts[0] },
	}
}

var (
	deployed = regexp.MustCompile(theProduct)
	placed   = regexp.MustCompile("^(internal/(" + anyService + `|platform|ops|verify|dev)\b|[^i])`)
	vague    = regexp.MustCompile(`(^|/)(common|shared|types|models|utils?|helpers|misc)$`)
	program  = regexp.MustCompile("^(sandbox/)?functions/|/testdata/|^cmd/(dev|orderflow)$")
)

var codeRules = []Rule{
	eachPackage("internal/ holds services, platform, ops, verify and dev",
		"the tree shows what is product and what supports it",
		func(p *Package) bool { return placed.MatchString(p.Dir) },
		func(r *Repo) { r.Packages["internal/money"] = &Package{Dir: "internal/money"} }),
	eachPackage("packages are named for what they do", "a package called utils attracts anything",
		func(p *Package) bool { return !vague.MatchString(p.Dir) },
		func(r *Repo) { r.Packages["internal/utils"] = &Package{Dir: "internal/utils"} }),
	eachPackage("functions aside, there are two programs",
		"whatever is neither product nor the operator's CLI is a subcommand of cmd/dev",
		func(p *Package) bool {
			return program.MatchString(p.Dir) || !strings.Contains("\n"+p.Source, "\npackage main\n")
		},
		func(r *Repo) { r.Packages["internal/verify/sim"].Source += "\npackage main\n" }),
	{
		Name:     "a main only composes",
		Why:      "everything a function does can be tested without Lambda",
		Check:    checkMains,
		Sabotage: addImport("functions/orders/place-order", "orderflow/internal/orders", true),
	},
}

func eachPackage(name, why string, ok func(*Package) bool, sabotage func(*Repo)) Rule {
	return Rule{Name: name, Why: why, Sabotage: sabotage, Check: func(r *Repo, bad *list) {
		for dir, p := range r.Packages {
			bad.unless(ok(p), "%s", dir)
		}
	}}
}

func checkMains(r *Repo, bad *list) {
	for _, f := range r.Functions {
		p := r.Packages["functions/"+f.Service+"/"+f.Name]
		if p == nil {
			bad.add("functions/%s/%s has no main.go", f.Service, f.Name)
			continue
		}
		composer := "internal/" + f.Service + "/handler"
		switch {
		case strings.HasPrefix(f.Name, "relay-"):
			composer = "internal/platform/relay"
		case f.Name == "check-"+f.Service: // names the third party
			composer = "internal/(platform/readiness|" + f.Service + "/.+)"
			own := strings.Contains(p.Source, `readiness.Check("`+f.Service+`"`)
			bad.unless(own, "%s checks another service", p.Dir)
		}
		allowed := regexp.MustCompile("^" + module + "(internal/platform/function|" + composer + ")$")
		for imp := range p.Imports {
			bad.unless(allowed.MatchString(imp), "%s imports %s", p.Dir, imp)
		}
		start := `function.Start("` + f.Service + `", "` + f.Name + `", `
		bad.unless(strings.Contains(p.Source, start), "%s does not call %s…)", p.Dir, start)
		bad.unless(strings.Count(p.Source, "\n") < 15, "%s has 15 lines or more", p.Dir)
	}
}
