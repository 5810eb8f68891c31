package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Settings are a stage's settings in samconfig.toml.
type Settings struct {
	Stack, Region, Profile string
	Parameters             []string // Name=value, in their order
}

var (
	section = regexp.MustCompile(`^\[([a-z.-]+)\]\s*$`)
	setting = regexp.MustCompile(`^([a-z0-9_]+)\s*=\s*"([^"]*)"\s*(#.*)?$`)
)

// Read reads the deploy section of a stage. It understands only the TOML that the file uses: quoted
// strings.
func Read(toml, stage string) (Settings, error) {
	values, in := map[string]string{}, ""
	for line := range strings.Lines(toml) {
		line = strings.TrimSpace(line)
		if m := section.FindStringSubmatch(line); m != nil {
			in = m[1]
		} else if m := setting.FindStringSubmatch(line); m != nil && in == stage+".deploy.parameters" {
			values[m[1]] = m[2]
		}
	}
	s := Settings{Stack: values["stack_name"], Region: values["region"], Profile: values["profile"],
		Parameters: strings.Fields(values["parameter_overrides"])}
	if s.Stack == "" {
		return s, fmt.Errorf("samconfig.toml has no [%s.deploy.parameters] with a stack_name", stage)
	}
	return s, nil
}

// With returns parameters, overridden and extended by others.
func With(parameters, others []string) ([]string, error) {
	all := slices.Clone(parameters)
	for _, o := range others {
		name, _, ok := strings.Cut(o, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not a parameter: want Name=value", o)
		}
		if at := slices.IndexFunc(all, func(p string) bool { return strings.HasPrefix(p, name+"=") }); at >= 0 {
			all[at] = o
		} else {
			all = append(all, o)
		}
	}
	return all, nil
}

func asMap(parameters []string) map[string]string {
	m := map[string]string{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return m
}
