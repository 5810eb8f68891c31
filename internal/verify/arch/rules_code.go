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
			Name: "internal/ holds services, platform, ops, verify and dev",
			Why:  "the tree shows what is product and what supports it",
			Check: func(r *Repo, bad *list) {
				others := []string{"platform", "ops", "verify", "dev"}
				for dir := range r.Packages {
					parts := strings.Split(dir, "/")
					if parts[0] != "internal" {
						continue
					}
					bad.unless(slices.Contains(append(others, Services...), parts[1]), "%s is not one of them", dir)
				}
			},
			Sabotage: func(r *Repo) { r.Packages["internal/money"] = &Package{Dir: "internal/money"} },
		},
		{
			Name: "services import only the platform and contracts",
			Why:  "anything else a service needs belongs to the service",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				// another service's code has its own rule
				if serviceOf(dir) == "" || own == imp || serviceOf(own) != "" {
					return false
				}
				return !strings.HasPrefix(own, "internal/platform/") && own != "api"
			}),
			Sabotage: addImport("internal/orders", "orderflow/sandbox/provider"),
		},
		{
			Name: "the product never imports verify, dev or ops",
			Why:  "code that proves, runs or operates the product must not be deployed with it",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				forbidden := inTooling(own) || strings.HasPrefix(own, "internal/ops/")
				return (product(dir) || strings.HasPrefix(dir, "sandbox")) && own != imp && forbidden
			}),
			Sabotage: addImport("internal/platform/health", "orderflow/internal/dev/devstack"),
		},
		{
			Name: "the operator's CLI never imports verify, and little of dev",
			Why:  "it is installed on operators' machines and works with any deployment",
			Check: eachImport(func(dir, imp string) bool {
				own := strings.TrimPrefix(imp, module)
				// finds the local stack, signs in its users
				allowed := dir == "cmd/orderflow" && own == "internal/dev/devstack"
				return (dir == "cmd/orderflow" || strings.HasPrefix(dir, "internal/ops/")) && inTooling(own) && !allowed
			}),
			Sabotage: addImport("internal/ops/client", "orderflow/internal/dev/devstack"),
		},
		{
			Name: "nothing outside test/ imports test/",
			Why:  "test/ holds suites only; code that others need belongs elsewhere",
			Check: eachImport(func(dir, imp string) bool {
				return !strings.HasPrefix(dir, "test/") && strings.HasPrefix(imp, module+"test/")
			}),
			Sabotage: addImport("cmd/dev", "orderflow/test/differential"),
		},
		{
			Name: "functions aside, there are two programs",
			Why:  "whatever is neither product nor the operator's CLI is a subcommand of cmd/dev",
			Check: func(r *Repo, bad *list) {
				for dir, p := range r.Packages {
					function := strings.HasPrefix(dir, "functions/") || strings.HasPrefix(dir, "sandbox/functions/")
					testdata := strings.Contains(dir, "/testdata/")
					allowed := function || testdata || dir == "cmd/dev" || dir == "cmd/orderflow"
					isMain := strings.Contains("\n"+p.Source, "\npackage main\n")
					bad.unless(allowed || !isMain, "%s is a program: make it a subcommand of cmd/dev", dir)
				}
			},
			Sabotage: func(r *Repo) { r.Packages["internal/verify/sim"].Source += "\npackage main\n" },
		},
		{
			Name: "domain, contract and memory packages do not import AWS",
			Why:  "premature microservices: tests and the simulation run the whole system in one process",
			Check: eachImport(func(dir, imp string) bool {
				pure := strings.Count(dir, "/") == 1 ||
					slices.Contains([]string{"contract", "memory", "storetest"}, path.Base(dir))
				domain := serviceOf(dir) != "" && strings.HasPrefix(dir, "internal/") && pure
				aws := []string{module + "internal/platform/ddb", module + "internal/platform/function"}
				return domain && (strings.HasPrefix(imp, "github.com/aws/") || slices.Contains(aws, imp))
			}),
			Sabotage: addImport("internal/orders", "github.com/aws/aws-sdk-go-v2/service/sqs"),
		},
		{
			Name: "the platform imports no service",
			Why:  "it serves all of them; what only one needs belongs to that service",
			Check: eachImport(func(dir, imp string) bool {
				return strings.HasPrefix(dir, "internal/platform/") && serviceOf(strings.TrimPrefix(imp, module)) != ""
			}),
			Sabotage: addImport("internal/platform/barrier", "orderflow/internal/orders/contract"),
		},
		{
			Name: "no function invokes another",
			Why:  "distributed monolith: services talk by events, and only state machines make the saga's calls",
			Check: eachImport(func(_, imp string) bool {
				return strings.HasPrefix(imp, "github.com/aws/aws-sdk-go-v2/service/lambda")
			}),
			Sabotage: addImport("internal/gateway/handler", "github.com/aws/aws-sdk-go-v2/service/lambda"),
		},
		{
			Name: "the sandbox imports no service",
			Why:  "it plays third parties, which share no code with us",
			Check: eachImport(func(dir, imp string) bool {
				return strings.HasPrefix(dir, "sandbox") && serviceOf(strings.TrimPrefix(imp, module)) != ""
			}),
			Sabotage: addImport("sandbox/provider", "orderflow/internal/payments"),
		},
		{
			Name: "a main only composes",
			Why:  "everything a function does can be tested without Lambda",
			Check: func(r *Repo, bad *list) {
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
						bad.unless(strings.Contains(p.Source, `readiness.Check("`+f.Service+`"`),
							"%s checks another service", p.Dir)
					}
					for imp := range p.Imports {
						// names the third party
						adapter := check && strings.HasPrefix(imp, module+"internal/"+f.Service+"/")
						allowed := adapter || imp == composer || imp == module+"internal/platform/function"
						bad.unless(allowed, "%s imports %s", p.Dir, imp)
					}
					start := `function.Start("` + f.Service + `", "` + f.Name + `", `
					bad.unless(strings.Contains(p.Source, start), "%s does not call %s…)", p.Dir, start)
					bad.unless(strings.Count(p.Source, "\n") < 15, "%s has 15 lines or more", p.Dir)
				}
			},
			Sabotage: addImport("functions/orders/place-order", "orderflow/internal/orders"),
		},
		sourceRule("outbound HTTP goes through package httpclient",
			"ignoring the network: one place bounds the time, size and errors of calls",
			[]string{"http.Client{", "http.DefaultClient", "http.Get(", "http.Post("},
			product,
			"internal/platform/httpclient"),
		sourceRule("outbound calls are guarded by package outbound",
			"cascading failures: a client built elsewhere has no circuit breaker, or does not share one",
			[]string{"httpclient.Config{", "resilience.NewBreaker("},
			product,
			"internal/platform/outbound"),
		sourceRule("only package ddb writes tables",
			"any other write could change business data without its barrier and events",
			[]string{".TransactWriteItems(", ".PutItem(", ".UpdateItem(", ".DeleteItem(", ".BatchWriteItem("},
			product,
			"internal/platform/ddb"),
		sourceRule("an item is updated, never replaced",
			"an old version of a function would drop fields that a newer one added",
			[]string{"types.Put{", "types.PutRequest{"},
			func(dir string) bool { return product(dir) || strings.HasPrefix(dir, "sandbox/") },
			"internal/platform/ddb"),
		sourceRule("time is injected", "tests and the simulation control the clock",
			[]string{"time.Now(", "time.Sleep(", "time.Since("},
			product,
			"internal/platform/clock"),
		sourceRule("request code does not panic", "a panic costs the process and its warm start",
			[]string{"panic("},
			product),
		sourceRule("magic values exist only in the sandbox", "a handler that knows them behaves differently under test",
			[]string{"sandbox_timeout", "sandbox_flaky", "sandbox_error", "chargeDeclined"},
			product),
		{
			Name: "packages are named for what they do",
			Why:  "a package called utils attracts anything",
			Check: func(r *Repo, bad *list) {
				vague := []string{"common", "shared", "types", "models", "utils", "util", "helpers", "misc"}
				for dir := range r.Packages {
					bad.unless(!slices.Contains(vague, path.Base(dir)), "%s: name it for what it does", dir)
				}
			},
			Sabotage: func(r *Repo) { r.Packages["internal/utils"] = &Package{Dir: "internal/utils"} },
		},
	}
}

// inTooling reports whether a directory proves or runs the product.
func inTooling(dir string) bool {
	return strings.HasPrefix(dir, "internal/verify/") || strings.HasPrefix(dir, "internal/dev/")
}

// eachImport returns a check that reports forbidden imports.
func eachImport(forbidden func(dir, imp string) bool) func(*Repo, *list) {
	return func(r *Repo, bad *list) {
		for dir, p := range r.Packages {
			for imp := range p.Imports {
				bad.unless(!forbidden(dir, imp), "%s imports %s", dir, imp)
			}
		}
	}
}

func addImport(dir, imp string) func(*Repo) {
	return func(r *Repo) { r.Packages[dir].Imports[imp] = true }
}

// sourceRule forbids texts in the source of directories, with exceptions.
func sourceRule(name, why string, texts []string, where func(dir string) bool, except ...string) Rule {
	return Rule{
		Name: name, Why: why,
		Check: func(r *Repo, bad *list) {
			for dir, p := range r.Packages {
				if !where(dir) || slices.Contains(except, dir) || strings.HasSuffix(dir, "test") {
					continue
				}
				for _, t := range texts {
					bad.unless(!strings.Contains(p.Source, t), "%s uses %s", dir, t)
				}
			}
		},
		Sabotage: func(r *Repo) { r.Packages["internal/payments"].Source += texts[0] },
	}
}
