package arch

import (
	"path"
	"slices"
	"strings"
)

const module = "orderflow/"

func codeRules() []Rule {
	return []Rule{
		{
			Name: "a service imports another one only through its contract",
			Why:  "distributed monolith: services that share code must be changed and deployed together",
			Check: eachImport(func(dir, imp string) bool {
				from, to := serviceOf(dir), serviceOf(strings.TrimPrefix(imp, module))
				return from != "" && to != "" && from != to && path.Base(imp) != "contract"
			}),
			Sabotage: addImport("internal/orders", "orderflow/internal/payments"),
		},
		{
			Name: "internal/ holds services and four rooms beside them",
			Why:  "the tree tells what the product is, and what is about it",
			Check: func(r *Repo) []string {
				var bad list
				for dir := range r.Packages {
					parts := strings.Split(dir, "/")
					if parts[0] != "internal" {
						continue
					}
					bad.unless(slices.Contains(Services, parts[1]) || slices.Contains([]string{"platform", "ops", "verify", "dev"}, parts[1]), "%s", dir)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Packages["internal/money"] = &Package{Dir: "internal/money"} },
		},
		{
			Name: "services import only the platform and contracts",
			Why:  "what a service needs besides is its own",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				if serviceOf(dir) == "" || own == imp || serviceOf(own) != "" { // another service's code has its own rule
					return false
				}
				return !strings.HasPrefix(own, "internal/platform/") && own != "api"
			}),
			Sabotage: addImport("internal/orders", "orderflow/sandbox/provider"),
		},
		{
			Name: "the product imports nothing that is about it",
			Why:  "what proves, runs or operates the product must not be deployed with it",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				about := strings.HasPrefix(own, "internal/verify/") || strings.HasPrefix(own, "internal/dev/") || strings.HasPrefix(own, "internal/ops/")
				return (product(dir) || strings.HasPrefix(dir, "sandbox")) && own != imp && about
			}),
			Sabotage: addImport("internal/platform/health", "orderflow/internal/dev/devstack"),
		},
		{
			Name: "the operator's command knows no proofs, and of the local stack only where it is",
			Why:  "it is installed where operators are, and works on any deployment",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				about := strings.HasPrefix(own, "internal/verify/") || strings.HasPrefix(own, "internal/dev/")
				found := dir == "cmd/orderflow" && own == "internal/dev/devstack" // to sign its users in
				return (dir == "cmd/orderflow" || strings.HasPrefix(dir, "internal/ops/")) && about && !found
			}),
			Sabotage: addImport("internal/ops/client", "orderflow/internal/dev/devstack"),
		},
		{
			Name: "nothing outside test/ imports test/",
			Why:  "it holds suites: whatever else uses their code belongs to what it is about",
			Check: eachImport(func(dir, imp string) bool {
				return !strings.HasPrefix(dir, "test/") && strings.HasPrefix(imp, module+"test/")
			}),
			Sabotage: addImport("cmd/dev", "orderflow/test/differential"),
		},
		{
			Name: "besides functions there are two programs",
			Why:  "everything that is neither product nor the operator's command is a subcommand of cmd/dev, which lists it",
			Check: func(r *Repo) []string {
				var bad list
				for dir, p := range r.Packages {
					function := strings.HasPrefix(dir, "functions/") || strings.HasPrefix(dir, "sandbox/functions/")
					measured := strings.Contains(dir, "/testdata/") // it is deployed nowhere
					bad.unless(function || measured || dir == "cmd/dev" || dir == "cmd/orderflow" ||
						!strings.Contains("\n"+p.Source, "\npackage main\n"), "%s is a program", dir)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Packages["internal/verify/sim"].Source += "\npackage main\n" },
		},
		{
			Name: "domain, contract and memory packages import nothing of AWS",
			Why:  "the whole system must run in one process, in tests and in the simulation: a split is a deployment choice (premature microservices)",
			Check: eachImport(func(dir, imp string) bool {
				domain := serviceOf(dir) != "" && strings.HasPrefix(dir, "internal/") &&
					(strings.Count(dir, "/") == 1 || slices.Contains([]string{"contract", "memory", "storetest"}, path.Base(dir)))
				return domain && (strings.HasPrefix(imp, "github.com/aws/") || imp == module+"internal/platform/ddb" || imp == module+"internal/platform/function")
			}),
			Sabotage: addImport("internal/orders", "github.com/aws/aws-sdk-go-v2/service/sqs"),
		},
		{
			Name: "the platform knows no service",
			Why:  "it serves all of them; what one of them needs belongs to that one",
			Check: eachImport(func(dir, imp string) bool {
				return strings.HasPrefix(dir, "internal/platform/") && serviceOf(strings.TrimPrefix(imp, module)) != ""
			}),
			Sabotage: addImport("internal/platform/barrier", "orderflow/internal/orders/contract"),
		},
		{
			Name: "no function invokes another",
			Why:  "distributed monolith: services talk by events; the saga's calls stand in the state machines",
			Check: eachImport(func(_, imp string) bool {
				return strings.HasPrefix(imp, "github.com/aws/aws-sdk-go-v2/service/lambda")
			}),
			Sabotage: addImport("internal/gateway/handler", "github.com/aws/aws-sdk-go-v2/service/lambda"),
		},
		{
			Name: "the sandbox imports no service",
			Why:  "it plays a third party, which shares no code with us",
			Check: eachImport(func(dir, imp string) bool {
				return strings.HasPrefix(dir, "sandbox") && serviceOf(strings.TrimPrefix(imp, module)) != ""
			}),
			Sabotage: addImport("sandbox/provider", "orderflow/internal/payments"),
		},
		{
			Name: "a main only composes",
			Why:  "whatever a function does can be tested without Lambda",
			Check: func(r *Repo) []string {
				var bad list
				for _, f := range r.Functions {
					p := r.Packages["functions/"+f.Service+"/"+f.Name]
					if p == nil {
						bad.add("functions/%s/%s has no main.go", f.Service, f.Name)
						continue
					}
					composer := module + "internal/" + f.Service + "/handler"
					if strings.HasPrefix(f.Name, "relay-") {
						composer = module + "internal/platform/relay"
					}
					check := f.Name == "check-"+f.Service
					if check {
						composer = module + "internal/platform/readiness"
						bad.unless(strings.Contains(p.Source, `readiness.Check("`+f.Service+`"`), "%s checks another service", p.Dir)
					}
					for imp := range p.Imports {
						named := check && strings.HasPrefix(imp, module+"internal/"+f.Service+"/") // a third party's name
						bad.unless(imp == composer || imp == module+"internal/platform/function" || named, "%s imports %s", p.Dir, imp)
					}
					bad.unless(strings.Contains(p.Source, `function.Start("`+f.Service+`", "`+f.Name+`", `), "%s starts under another name", p.Dir)
					bad.unless(strings.Count(p.Source, "\n") < 15, "%s is longer than a composition", p.Dir)
				}
				return bad.sorted()
			},
			Sabotage: addImport("functions/orders/place-order", "orderflow/internal/orders"),
		},
		sourceRule("outbound HTTP goes through the one client", "no circuit breaker, ignoring the network: one place bounds time, size and errors of calls",
			[]string{"http.Client{", "http.DefaultClient", "http.Get(", "http.Post("},
			product,
			"internal/platform/httpclient"),
		sourceRule("calls are guarded as package outbound composes them", "no circuit breaker, cascading failures: a client of a service's own making has no circuit, or one that nobody shares",
			[]string{"httpclient.Config{", "resilience.NewBreaker("},
			product,
			"internal/platform/outbound"),
		sourceRule("tables are written by the one package of the consistency protocol", "a write beside it could change business data without its barrier and events",
			[]string{".TransactWriteItems(", ".PutItem(", ".UpdateItem(", ".DeleteItem(", ".BatchWriteItem("},
			product,
			"internal/platform/ddb"),
		sourceRule("an item is never replaced as a whole", "an old version of a function would drop what a newer one has added to the item",
			[]string{"types.Put{", "types.PutRequest{"},
			func(dir string) bool { return product(dir) || strings.HasPrefix(dir, "sandbox/") },
			"internal/platform/ddb"),
		sourceRule("time is injected", "tests and the simulation own the clock",
			[]string{"time.Now(", "time.Sleep(", "time.Since("},
			product,
			"internal/platform/clock"),
		sourceRule("request code does not panic", "a panic costs the process and its warm start",
			[]string{"panic("},
			product),
		sourceRule("magic values live in the sandbox", "a handler that knows them behaves differently under test",
			[]string{"sandbox_timeout", "sandbox_flaky", "sandbox_error", "chargeDeclined"},
			product),
		{
			Name: "packages are named for what they do",
			Why:  "a room called utils holds anything",
			Check: func(r *Repo) []string {
				var bad list
				for dir := range r.Packages {
					bad.unless(!slices.Contains([]string{"common", "shared", "types", "models", "utils", "util", "helpers", "misc"}, path.Base(dir)), "%s", dir)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Packages["internal/platform/utils"] = &Package{Dir: "internal/platform/utils"} },
		},
	}
}

// eachImport makes a check of a predicate that tells forbidden imports.
func eachImport(forbidden func(dir, imp string) bool) func(*Repo) []string {
	return func(r *Repo) []string {
		var bad list
		for dir, p := range r.Packages {
			for imp := range p.Imports {
				bad.unless(!forbidden(dir, imp), "%s imports %s", dir, imp)
			}
		}
		return bad.sorted()
	}
}

func addImport(dir, imp string) func(*Repo) {
	return func(r *Repo) { r.Packages[dir].Imports[imp] = true }
}

// sourceRule forbids texts in the source of directories, but for some.
func sourceRule(name, why string, texts []string, where func(dir string) bool, except ...string) Rule {
	return Rule{
		Name: name, Why: why,
		Check: func(r *Repo) []string {
			var bad list
			for dir, p := range r.Packages {
				if !where(dir) || slices.Contains(except, dir) || strings.HasSuffix(dir, "test") {
					continue
				}
				for _, t := range texts {
					bad.unless(!strings.Contains(p.Source, t), "%s uses %s", dir, t)
				}
			}
			return bad.sorted()
		},
		Sabotage: func(r *Repo) { r.Packages["internal/payments"].Source += texts[0] },
	}
}
