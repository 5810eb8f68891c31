package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// ddb is the package through which stores reach DynamoDB. The logs are the packages whose methods
// are those of the table's log.
const ddb = "internal/platform/ddb"

var logs = []string{"internal/platform/barrier", "internal/platform/idempotency"}

// actions maps names in code (a method of the client, a field of a transaction's item) to
// DynamoDB's actions.
var actions = map[string]string{
	"GetItem": "GetItem", "BatchGetItem": "BatchGetItem", "Query": "Query",
	"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
}

// declared is what the declarations of one name in a package use: names by their packages, which
// are "" for the same package and "." for methods, and actions of DynamoDB.
type declared struct {
	uses    map[[2]string]bool
	actions []string
}

// tableActions returns the actions of a function on its service's table. It works by names: methods
// of one name count as one.
func (r *Repo) tableActions(f Function) []string {
	service := "internal/" + f.Service
	// Where a package's methods may lead, besides the package itself.
	leads := map[string][]string{
		service + "/handler": {service}, service: {service + "/dynamo", ddb}, service + "/dynamo": {ddb},
	}
	for _, log := range logs {
		leads[log] = []string{ddb}
	}
	packages, seen := map[string]map[string]*declared{}, map[[2]string]bool{}
	var found []string
	var visit func(dir, name string)
	visit = func(dir, name string) {
		if seen[[2]string{dir, name}] || r.Packages[dir] == nil {
			return
		}
		seen[[2]string{dir, name}] = true
		if packages[dir] == nil {
			packages[dir] = declarations(r.Packages[dir].Source)
		}
		d := packages[dir][name]
		if d == nil {
			return
		}
		found = append(found, d.actions...)
		for used := range d.uses {
			switch from, name := used[0], used[1]; from {
			case "":
				visit(dir, name)
			case ".":
				for _, to := range append([]string{dir}, leads[dir]...) {
					visit(to, "."+name)
				}
			default:
				visit(from, name)
			}
		}
	}
	visit(service+"/handler", f.LogicalID())
	slices.Sort(found)
	return slices.Compact(found)
}

// declarations returns the functions of a package's files, and its methods with a dot before their
// names.
func declarations(source string) map[string]*declared {
	all := map[string]*declared{}
	for _, text := range strings.Split("\n"+source, "\npackage ")[1:] {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package "+text, parser.SkipObjectResolution)
		if file == nil || err != nil && file.Decls == nil {
			continue
		}
		imports := map[string]string{}
		for _, imp := range file.Imports {
			dir := strings.TrimPrefix(strings.Trim(imp.Path.Value, `"`), module)
			imports[path.Base(dir)] = dir
			if imp.Name != nil {
				imports[imp.Name.Name] = dir
			}
		}
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				name := f.Name.Name
				if f.Recv != nil {
					name = "." + name
				}
				if all[name] == nil {
					all[name] = &declared{uses: map[[2]string]bool{}}
				}
				ast.Inspect(f, all[name].visitor(imports))
			}
		}
	}
	return all
}

func (d *declared) visitor(imports map[string]string) func(ast.Node) bool {
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			d.uses[[2]string{"", n.Name}] = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && imports[x.Name] != "" {
				d.uses[[2]string{imports[x.Name], n.Sel.Name}] = true
				return false
			}
			d.uses[[2]string{".", n.Sel.Name}] = true
			if field, ok := n.X.(*ast.SelectorExpr); ok { // a field, not a method
				if action := actions[n.Sel.Name]; action != "" && field.Sel.Name == "Client" {
					d.actions = append(d.actions, action)
				}
				ast.Inspect(field.X, visit)
				return false
			}
		case *ast.CompositeLit:
			if t, ok := n.Type.(*ast.SelectorExpr); ok && t.Sel.Name == "TransactWriteItem" {
				for _, element := range n.Elts {
					if field, ok := element.(*ast.KeyValueExpr); ok {
						name, _ := field.Key.(*ast.Ident)
						d.actions = append(d.actions, actions[name.Name])
					}
				}
			}
		}
		return true
	}
	return visit
}
