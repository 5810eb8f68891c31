package bench

import (
	"fmt"
	"path"

	"orderflow/internal/verify/cfn"
)

// variables returns the environment variables of a template's functions, by directory name.
// Parameters have their defaults, and references are resolved to names and ARNs.
func variables(file string) (map[string]map[string]string, error) {
	stack, err := cfn.Load(file, "bench", nil)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for _, id := range stack.OfType("AWS::Serverless::Function") {
		function := stack.Properties(id)
		name := path.Base(fmt.Sprint(function["CodeUri"]))
		all[name] = map[string]string{}
		for _, from := range []any{stack.Globals("Function"), function} {
			named, _ := cfn.Dig(from, "Environment", "Variables").(map[string]any)
			for variable, value := range named {
				switch value.(type) {
				case string, int, float64, bool:
					all[name][variable] = fmt.Sprint(value)
				default:
					return nil, fmt.Errorf("%s: %s of %s is %v, which is not a valid variable", file, variable, id,
						value)
				}
			}
		}
	}
	return all, nil
}
