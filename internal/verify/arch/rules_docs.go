package arch

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"orderflow/internal/platform/casing"
)

var (
	runbook  = regexp.MustCompile(`docs/runbooks/[a-z-]+\.md`)
	dated    = regexp.MustCompile(`^# \d+\. .+\n\n\d{4}-\d\d-\d\d · [a-z]`)
	fenced   = regexp.MustCompile("(?s)```.*?```")
	fence    = regexp.MustCompile("^ *```[a-z-]*$")
	quoted   = regexp.MustCompile("`([a-z]+(?:\\s+[a-z]+){2,})`") // three words or more: a log line
	link     = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	conflict = regexp.MustCompile(`^(<{7}|={7}|>{7})( |$)`)
	symbol   = regexp.MustCompile("`\\*?([a-z]+)\\.([A-Z]\\w+)[.\\w]*`")
	place    = regexp.MustCompile("`((?:api|cmd|deploy|docs|events|functions|internal|sandbox|" +
		"statemachines|test|tools)/[\\w./-]+)`")
	testName = regexp.MustCompile(`^func (?:Test|Fuzz|Benchmark)\w+`)
	target   = regexp.MustCompile("(?:`|[$][(]|\n *)make (?:-s )?([a-z-]+)") // quoted, or in a code block
	command  = regexp.MustCompile(`go run \./(cmd/dev|cmd/orderflow) ([a-z-]+)`)
)

var docRules = []Rule{
	ofCore(rule("every alarm has a runbook, every runbook an alarm", "the operator who is paged must know what to do",
		func(r *Repo, bad *list) {
			used := []string{"docs/runbooks/README.md"}
			for _, stack := range r.all() {
				for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"} {
					for id, p := range stack.each(kind) {
						name := runbook.FindString(text(p["AlarmDescription"]))
						bad.unless(r.Files[name], "the description of %s names no runbook", id)
						used = append(used, name)
					}
				}
			}
			bad.same("docs/runbooks", keys(r.documents("docs/runbooks/")), used)
		},
		func(r *Repo) { r.properties("RelayErrorsAlarm")["AlarmDescription"] = "it fails" })),
	rule("documents say for how long a relay reads its stream", "the operator must know how much time is left",
		func(r *Repo, bad *list) {
			for id, p := range r.each("AWS::Lambda::EventSourceMapping") {
				age, ok := p["MaximumRecordAgeInSeconds"].(int)
				for file, says := range map[string]string{
					"docs/consistency.md":             "the stream retries for %d hours",
					"docs/runbooks/outbox-lag.md":     "by itself for %d hours",
					"docs/runbooks/relay-failures.md": "retrying it for %d hours",
				} {
					says = fmt.Sprintf(says, age/3600)
					body := strings.Join(strings.Fields(r.Texts[file]), " ")
					bad.unless(!ok || strings.Contains(body, says), "%s does not say %q, as of %s", file, says, id)
				}
			}
		},
		func(r *Repo) { r.properties("RelayOrdersEventsSource")["MaximumRecordAgeInSeconds"] = 86_400 }),
	rule("runbooks and objectives say when an alarm rings", "the operator judges by them how bad it is",
		func(r *Repo, bad *list) {
			for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"} {
				for id, p := range r.each(kind) {
					name := "`" + documented(id) + "`"
					for _, file := range []string{runbook.FindString(text(p["AlarmDescription"])), "docs/slo.md"} {
						body := strings.Join(strings.Fields(r.Texts[file]), " ")
						silent := file == "docs/slo.md" && !strings.Contains(body, name)
						says := name + " (" + r.condition(id) + ")"
						bad.unless(silent || strings.Contains(body, says), "%s does not say %s", file, says)
					}
				}
			}
		},
		func(r *Repo) { r.properties("OutboxLagAlarm")["Threshold"] = 30_000 }),
	ofCore(rule("the log lines that runbooks quote are in the code",
		"the operator who is paged searches the log for them",
		func(r *Repo, bad *list) {
			var source strings.Builder
			for dir, p := range r.Packages {
				if deployed.MatchString(dir) {
					source.WriteString(p.Source)
				}
			}
			for file, body := range r.documents("docs/runbooks/") {
				for _, m := range quoted.FindAllStringSubmatch(fenced.ReplaceAllString(body, ""), -1) {
					line := strings.Join(strings.Fields(m[1]), " ")
					notLogged := strings.HasPrefix(line, "orderflow ") || line == "no such host"
					known := notLogged || strings.Contains(source.String(), line)
					bad.unless(known, "%s quotes %q, which nothing logs", file, line)
				}
			}
		},
		func(r *Repo) { r.Texts["docs/runbooks/disputes.md"] += "`a line that is gone`" })),
	ofCore(rule("links, make targets and commands in the documents exist", "readers follow them",
		func(r *Repo, bad *list) {
			for file, body := range r.documents("") {
				for _, m := range link.FindAllStringSubmatch(body, -1) {
					to := path.Join(path.Dir(file), m[1])
					bad.unless(r.exists(to), "%s links to %s, which does not exist", file, m[1])
				}
				for _, m := range target.FindAllStringSubmatch(body, -1) {
					bad.unless(strings.Contains(r.Texts["Makefile"], "\n"+m[1]+":"),
						"%s names make %s, which is not a target", file, m[1])
				}
				for _, m := range command.FindAllStringSubmatch(strings.Join(strings.Fields(body), " "), -1) {
					known := regexp.MustCompile(`\bUse: +"` + m[2] + `[" ]`).MatchString(r.Packages[m[1]].Source)
					bad.unless(known || m[2] == "help", "%s names %s, which is not a command", file, m[0])
				}
			}
		},
		func(r *Repo) { r.Texts["README.md"] += "[gone](docs/gone.md)" })),
	ofCore(rule("the index of decisions lists every decision", "a decision that nobody finds is made twice",
		func(r *Repo, bad *list) {
			for file := range r.documents("docs/adr/0") {
				listed := strings.Contains(r.Texts["docs/adr/README.md"], "]("+path.Base(file)+")")
				bad.unless(listed, "docs/adr/README.md does not list %s", file)
			}
		},
		func(r *Repo) { r.Texts["docs/adr/0099-found-by-nobody.md"] = "" })),
	ofCore(rule("every ADR has date, status, context, decision, consequences",
		"readers ask when it was decided, why and with what result",
		func(r *Repo, bad *list) {
			for file, body := range r.documents("docs/adr/0") {
				bad.unless(dated.MatchString(body), "%s does not begin with number, title, date and status", file)
				for _, part := range []string{"**Context.**", "**Decision", "**Consequences.**"} {
					bad.unless(strings.Contains(body, part), "%s has no %s", file, part)
				}
			}
		},
		func(r *Repo) {
			const parts = "**Context.** … **Decision.** … **Consequences.** …\n"
			r.Texts["docs/adr/0099-undated.md"] = "# 99. Undated\n\n" + parts
		})),
	ofCore(rule("a code fence is on a line of its own", "text after one that closes is in the code, or not shown",
		func(r *Repo, bad *list) {
			for file, body := range r.documents("") {
				code := false
				for n, line := range strings.Split(body, "\n") {
					if !strings.Contains(line, "```") {
						continue
					}
					bad.unless(fence.MatchString(line) && (!code || strings.TrimSpace(line) == "```"),
						"%s:%d has text beside a code fence", file, n+1)
					code = !code
				}
				bad.unless(!code, "%s ends within a code fence", file)
			}
		},
		func(r *Repo) { r.Texts["README.md"] += "```\nls\n``` lists it\n" })),
	ofCore(rule("the prose of documents wraps at 100 columns", "longer lines are hard to read in editors and diffs",
		func(r *Repo, bad *list) {
			for file, body := range r.documents("") {
				code := false
				for n, line := range strings.Split(body, "\n") {
					fence := strings.HasPrefix(strings.TrimSpace(line), "```")
					code = code != fence
					text := !code && !fence && !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "#")
					_, rest, _ := strings.Cut(strings.TrimSpace(line), " ") // a long link cannot be broken
					bad.unless(!text || rest == "" || utf8.RuneCountInString(line) <= 100,
						"%s:%d is longer than 100 columns", file, n+1)
					bad.unless(!conflict.MatchString(line), "%s:%d is a conflict marker", file, n+1)
				}
			}
		},
		func(r *Repo) { r.Texts["README.md"] += strings.Repeat("word ", 21) + "\n" })),
	ofCore(rule("comments wrap at 100 columns, names of tests at 60",
		"longer ones are hard to read in editors and diffs",
		func(r *Repo, bad *list) {
			for file, source := range r.Sources {
				if strings.Contains(source[:min(len(source), 300)], "DO NOT EDIT") {
					continue
				}
				for line := range strings.Lines(source) {
					bad.unless(wrapped(line), "%s: longer than 100 columns: %s", file, strings.TrimSpace(line))
					name := testName.FindString(line)
					bad.unless(len(name) <= len("func ")+60, "%s: %s is longer than 60 characters", file, name)
				}
			}
		},
		func(r *Repo) { r.Sources["main.go"] = "\t// " + strings.Repeat("word ", 20) })),
	ofCore(rule("files and identifiers that documents name exist", "a rename in the code must reach the documents",
		func(r *Repo, bad *list) {
			source := map[string]string{} // by the package's name
			for dir, p := range r.Packages {
				source[path.Base(dir)] += p.Source
			}
			for file, body := range r.documents("") {
				if strings.HasPrefix(file, "docs/adr/0") || file == "CHANGELOG.md" {
					continue // these may name things that were deleted since
				}
				body = fenced.ReplaceAllString(body, "")
				for _, m := range symbol.FindAllStringSubmatch(body, -1) {
					code, ours := source[m[1]]
					declared := regexp.MustCompile(`(?m)^(\t|type |var |const |func (\(.*?\) )?)` + m[2] + `\b`)
					bad.unless(!ours || declared.MatchString(code),
						"%s names %s.%s, which does not exist", file, m[1], m[2])
				}
				for _, m := range place.FindAllStringSubmatch(body, -1) {
					bad.unless(r.exists(m[1]), "%s names %s, which does not exist", file, m[1])
				}
			}
		},
		func(r *Repo) { r.Texts["README.md"] += "`orders.NoSuchName`" })),
	rule("every operation has what it needs besides code", "otherwise only a slow suite notices, or nothing does",
		func(r *Repo, bad *list) {
			for _, f := range r.Functions {
				readme := "internal/" + f.Service + "/README.md"
				wants := "internal/verify/samlocal/testdata/" + f.Service + ".yaml"
				bad.unless(hasName(r.Texts[readme], f.Name), "%s does not name %s", readme, f.Name)
				answer := regexp.MustCompile(`(?m)^- function: ` + f.Name + `( |$)`)
				bad.unless(r.Stack != "" || answer.MatchString(r.Texts[wants]), "%s lacks the expected answer of %s",
					wants, f.Name)
				list := "internal/" + f.Service + "/handler/handlers.go"
				shared := strings.HasPrefix(f.Name, "relay-") || f.Name == "check-"+f.Service ||
					f.Service == "gateway"
				handled := shared || strings.Contains(r.Sources[list], `"`+f.Name+`":`)
				bad.unless(handled, "%s lacks %s", list, f.Name)
				if shared {
					continue
				}
				id := f.LogicalID()
				calls := regexp.MustCompile(`"` + f.Name + `"|\b(handler\.` + id + `|` + casing.LowerCamel(id) + `)\b`)
				bad.unless(calls.MatchString(r.tests("internal/"+f.Service+"/handler")),
					"no test of internal/%s/handler calls %s", f.Service, f.Name)
				useCase := strings.Contains(r.Packages["internal/"+f.Service].Source, " *Service) "+id+"(")
				tested := regexp.MustCompile(`\.` + id + `\b`).MatchString(r.tests("internal/" + f.Service))
				bad.unless(tested || !useCase, "no test of internal/%s calls %s", f.Service, id)
			}
			for _, op := range r.operations() {
				requests := r.Texts["docs/orderflow.http"] + r.Texts["docs/reporting.http"]
				bad.unless(strings.Contains(requests, "# @name "+op.id+"\n"), "docs/*.http has no request for %s",
					op.id)
			}
		},
		func(r *Repo) {
			readme := "internal/orders/README.md" // a longer name does not name the function
			r.Texts[readme] = strings.ReplaceAll(r.Texts[readme], "get-order,", "get-order-twice,")
		}),
	ofCore(rule("the diagrams show the state machines and the template", "diagrams that nothing checks become wrong",
		func(r *Repo, bad *list) {
			doc := r.Texts["docs/architecture.md"]
			for _, d := range Diagrams(r) {
				bad.unless(strings.Contains(doc, d.Text),
					"docs/architecture.md: the diagram %s is outdated; run `go run ./cmd/dev generate`", d.Name)
			}
		},
		func(r *Repo) { r.Machines[fulfil].States["AwaitShipment"].Next = "StartCompensation" })),
}

// wrapped reports whether a line is not a comment, or wraps, or cannot wrap: an address, an
// example's output.
func wrapped(line string) bool {
	if len(line) <= 100-3*strings.Count(line, "\t") {
		return true
	}
	line = strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")
	marker, text, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	comment := slices.Contains([]string{"//", "#", "*"}, marker)
	whole := !strings.Contains(text, " ") || strings.HasPrefix(text, "{") || strings.HasPrefix(text, `"`)
	return !comment || whole || utf8.RuneCountInString(line) <= 100
}

// wholeName is an expression for a name that is not part of a longer one.
func wholeName(name string) string { return `(?:^|[^\w-])` + name + `(?:$|[^\w-])` }

// hasName reports whether a text has a name that is not part of a longer one.
func hasName(text, name string) bool { return regexp.MustCompile(wholeName(name)).MatchString(text) }

// tests returns the tests of a package.
func (r *Repo) tests(dir string) string {
	var all strings.Builder
	for file, source := range r.Sources {
		if path.Dir(file) == dir && strings.HasSuffix(file, "_test.go") {
			all.WriteString(source)
		}
	}
	return all.String()
}

// documents returns the Markdown files whose path begins with a prefix.
func (r *Repo) documents(prefix string) map[string]string {
	found := maps.Clone(r.Texts)
	maps.DeleteFunc(found, func(file, _ string) bool {
		return !strings.HasPrefix(file, prefix) || !strings.HasSuffix(file, ".md")
	})
	return found
}

// exists reports whether a path is that of a file or a directory.
func (r *Repo) exists(name string) bool {
	name = path.Clean(name)
	if r.Files[name] || name == "." {
		return true
	}
	for file := range r.Files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}
