package arch

import (
	"cmp"
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

var (
	deployed = regexp.MustCompile(theProduct)
	placed   = regexp.MustCompile("^(internal/(" + anyService + `|platform|host|ops|verify|dev)\b|[^i])`)
	vague    = regexp.MustCompile(`(^|/)(common|shared|types|models|utils?|helpers|misc)$`)
	caller   = regexp.MustCompile("^internal/gateway/(services|oldshop)$")
	itemKey  = regexp.MustCompile(`"[a-z]+#`)
	program  = regexp.MustCompile("^(sandbox/)?functions/|/testdata/|^cmd/(dev|orderflow|rpc|serve)$")
)

var codeRules = []Rule{
	ban("a service imports another one only through its contract",
		"distributed monolith: services that share code must be changed and deployed together",
		inService, services, " "+module+`(internal|functions)/$1\b|/contract$`,
		"internal/orders orderflow/internal/payments"),
	ban("services import only the platform and contracts",
		"anything else a service needs belongs to the service; another service's code has its own rule",
		inService, "^"+module, " "+module+"(internal/platform/|api$|api/rpc/|(internal|functions)/"+anyService+`\b)`,
		"internal/orders orderflow/sandbox/provider"),
	ban("the product never imports verify, dev or ops",
		"code that proves, runs or operates the product must not be deployed with it",
		theProduct+"|^(sandbox|api$)", "^"+module+"internal/(verify|dev|ops)/", "",
		"internal/platform/health orderflow/internal/dev/devstack"),
	ban("the operator's CLI never imports verify, and little of dev",
		"it is installed on operators' machines; it finds the local stack, and signs in its users",
		"^(cmd/orderflow$|internal/ops/)", "^"+module+"internal/(verify|dev)/",
		"^cmd/orderflow "+module+"internal/dev/devstack$",
		"internal/ops/client orderflow/internal/dev/devstack"),
	ban("dev never imports verify",
		"verify proves what dev runs, so it imports dev; a circle of the two could not be understood alone",
		"^internal/dev/", "^"+module+"internal/verify/", "",
		"internal/dev/intercept orderflow/internal/verify/faults"),
	ban("the main of the RPC process only starts it",
		"everything that the process does can be tested in another",
		"^cmd/rpc$", "^"+module, " "+module+"internal/(gateway/rpcserver|platform/process)$",
		"cmd/rpc orderflow/internal/gateway/watch"),
	ban("the main of the one process only starts it",
		"everything that the process does can be tested in another",
		"^cmd/serve$", "^"+module, " "+module+"internal/(host|platform/process)$",
		"cmd/serve orderflow/internal/orders"),
	ban("only the one process imports the host",
		"services do not know in which form they run; of the host, others read only its wiring",
		"", "^"+module+"internal/host", "^(cmd/serve|internal/host(/.+)?) |host/wiring$",
		"internal/orders/handler orderflow/internal/host/delivery"),
	ban("nothing outside test/ imports test/",
		"test/ holds suites only; code that others need belongs elsewhere",
		"", "^"+module+"test/", "^test/",
		"cmd/dev orderflow/test/differential"),
	ban("domain, contract and memory packages do not import AWS",
		"premature microservices: tests and the simulation run the whole system in one process",
		"^internal/"+anyService+`(/(.+/)?(contract|memory|storetest))?$`,
		"^github.com/aws/|^"+module+"internal/platform/(ddb|function)$", "",
		"internal/orders github.com/aws/aws-sdk-go-v2/service/sqs"),
	ban("the edges share no code and no event with a service",
		"distributed monolith: a business rule in an edge is a second one, and differs from the service's one day",
		"^((internal|functions)/gateway\\b|cmd/rpc$)", services, " "+module+`(internal|functions)/gateway\b`,
		"internal/gateway/graph orderflow/internal/orders/contract"),
	eachPackage("the edges call services by package services, and the old shop by package oldshop",
		"ignoring the network: these bound, retry and break calls, and hand on token, key, deadline and trace",
		func(p *Package) bool {
			edge := strings.HasPrefix(p.Dir, "internal/gateway") && !caller.MatchString(p.Dir)
			return !edge || !strings.Contains(p.Source, "httpclient.New(")
		},
		func(r *Repo) { r.Packages["internal/gateway/graph"].Source += "httpclient.New(" }),
	ban("in the edges only composition and the strangler's placements know the table",
		"shared database: an edge that keeps business data becomes its owner",
		"^(internal/gateway|cmd/rpc$)", "^"+module+"internal/platform/ddb$",
		"^internal/gateway/((.+/)?handler|rpcserver|strangler/dynamo) ",
		"internal/gateway/graph orderflow/internal/platform/ddb"),
	eachPackage("besides circuits the edges store placements only",
		"shared database: an edge that keeps business data becomes its owner",
		func(p *Package) bool {
			others := strings.ReplaceAll(p.Source, `"placement#"`, "")
			return !strings.HasPrefix(p.Dir, "internal/gateway") || !itemKey.MatchString(others)
		},
		func(r *Repo) { r.Packages["internal/gateway/strangler/dynamo"].Source += `"order#"` }),
	eachPackage("nothing that is deployed scans a table",
		"a scan reads, and is billed for, all that was ever stored; queries of keys and indexes cost the same for ever",
		func(p *Package) bool {
			product := deployed.MatchString(p.Dir) && !strings.HasSuffix(p.Dir, "test")
			return !product || !strings.Contains(p.Source, "dynamodb.Scan")
		},
		func(r *Repo) { r.Packages["internal/orders/dynamo"].Source += "&dynamodb.ScanInput{}" }),
	ban("domain packages record no metrics",
		"only the edges, handlers and rpcserver, know what happened for the first time and what is a repetition",
		inService, "^"+module+"internal/platform/metrics$", "^[^ ]+/(handler|rpcserver) ",
		"internal/orders orderflow/internal/platform/metrics"),
	ban("the platform imports no service",
		"it serves all of them; what only one needs belongs to that service",
		"^internal/platform/", services, "",
		"internal/platform/barrier orderflow/internal/orders/contract"),
	ban("no function invokes another",
		"distributed monolith: services talk by events, and only state machines make the saga's calls",
		"", "^github.com/aws/aws-sdk-go-v2/service/lambda", "",
		"internal/gateway/handler github.com/aws/aws-sdk-go-v2/service/lambda"),
	ban("the sandbox imports no service",
		"it plays third parties, which share no code with us",
		"^sandbox", services, "",
		"sandbox/provider orderflow/internal/payments"),
	phrases("outbound HTTP goes through package httpclient",
		"ignoring the network: one place bounds the time, size and errors of calls",
		theProduct, "^internal/platform/(httpclient|tracing/zipkin)$",
		"http.Client{", "http.DefaultClient", "http.Get(", "http.Post(", "http.Transport{", "http.DefaultTransport"),
	phrases("outbound calls are guarded by package outbound",
		"cascading failures: a client built elsewhere has no circuit breaker, or does not share one",
		theProduct, "^internal/platform/outbound$", "httpclient.Config{", "resilience.NewBreaker("),
	phrases("only package ddb writes tables",
		"any other write could change business data without its barrier and events",
		theProduct, "^internal/platform/ddb$",
		".TransactWriteItems(", ".PutItem(", ".UpdateItem(", ".DeleteItem(", ".BatchWriteItem("),
	phrases("an item is updated, never replaced",
		"an old version of a function would drop fields that a newer one added",
		theProduct+"|^sandbox/", "^internal/platform/ddb$", "types.Put{", "types.PutRequest{"),
	phrases("time is injected", "tests and the simulation control the clock",
		theProduct, "^internal/platform/clock$", "time.Now(", "time.Sleep(", "time.Since("),
	phrases("request code does not panic", "a panic costs the process and its warm start",
		theProduct, "^internal/gateway/graph/exec$" /* generated */, "panic("),
	phrases("magic values exist only in the sandbox", "a handler that knows them behaves differently under test",
		theProduct, "^$", "sandbox_timeout", "sandbox_flaky", "sandbox_error", "sandbox_void_error",
		"chargeDeclined"),
	phrases("an address is in the registry, not in code",
		"hard-coded endpoints: when a service moves, each of its callers must be deployed again",
		// registry and awsjson find AWS itself; queues in cfn and types of problems are names.
		theProduct+"|^sandbox/", "^internal/platform/(registry|awsjson|httpapi|cfn)$",
		`"https://`, `"http://`, "execute-api"),
	eachPackage("internal/ holds services, platform, host, ops, verify and dev",
		"the tree shows what is product and what supports it",
		func(p *Package) bool { return placed.MatchString(p.Dir) },
		func(r *Repo) { r.Packages["internal/money"] = &Package{Dir: "internal/money"} }),
	eachPackage("packages are named for what they do", "a package called utils attracts anything",
		func(p *Package) bool { return !vague.MatchString(p.Dir) },
		func(r *Repo) { r.Packages["internal/utils"] = &Package{Dir: "internal/utils"} }),
	eachPackage("functions aside, there are four programs",
		"whatever is neither product nor the operator's CLI is a subcommand of cmd/dev",
		func(p *Package) bool {
			return program.MatchString(p.Dir) || !strings.Contains("\n"+p.Source, "\npackage main\n")
		},
		func(r *Repo) { r.Packages["internal/verify/sim"].Source += "\npackage main\n" }),
	rule("a main only composes", "everything a function does can be tested without Lambda",
		checkMains,
		addImport("functions/orders/place-order", "orderflow/internal/orders", true)),
}

// ban forbids imports that match to in directories that match from, except pairs "directory path"
// that match except, in which $1 is the group of from. The sabotage is such a pair.
func ban(name, why, from, to, except, sabotage string) Rule {
	return ofCore(rule(name, why,
		func(r *Repo, bad *list) {
			source, imported := regexp.MustCompile(from), regexp.MustCompile(to)
			for dir, p := range r.Packages {
				match := source.FindStringSubmatch(dir)
				if match == nil {
					continue
				}
				allowed := regexp.MustCompile(strings.ReplaceAll(cmp.Or(except, "^$"), "$1", match[len(match)-1]))
				for imp := range p.Imports {
					ok := !imported.MatchString(imp) || allowed.MatchString(dir+" "+imp)
					bad.unless(ok, "%s imports %s", dir, imp)
				}
			}
		},
		addImport(strings.Cut(sabotage, " "))))
}

func addImport(dir, imp string, _ bool) func(*Repo) {
	return func(r *Repo) { r.Packages[dir].Imports[imp] = true }
}

// phrases forbids texts in the source of directories that match in and not except. The sabotage
// adds the first to a service.
func phrases(name, why, in, except string, texts ...string) Rule {
	return ofCore(rule(name, why,
		func(r *Repo, bad *list) {
			where, free := regexp.MustCompile(in), regexp.MustCompile(except+"|test$")
			for dir, p := range r.Packages {
				for _, t := range texts {
					ok := !where.MatchString(dir) || free.MatchString(dir) || !strings.Contains(p.Source, t)
					bad.unless(ok, "%s uses %s", dir, t)
				}
			}
		},
		func(r *Repo) { r.Packages["internal/payments"].Source += texts[0] }))
}

func eachPackage(name, why string, ok func(*Package) bool, sabotage func(*Repo)) Rule {
	return ofCore(rule(name, why, func(r *Repo, bad *list) {
		for dir, p := range r.Packages {
			bad.unless(ok(p), "%s", dir)
		}
	}, sabotage))
}

func checkMains(r *Repo, bad *list) {
	for _, f := range r.Functions {
		p := r.Packages["functions/"+f.Service+"/"+f.Name]
		if p == nil {
			bad.add("functions/%s/%s has no main.go", f.Service, f.Name)
			continue
		}
		composer := "internal/" + f.Service + "/(.+/)?handler"
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
