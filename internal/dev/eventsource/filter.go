package eventsource

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// matches reports whether a record's body passes a filter on its field. A pattern that is an object
// needs a body of JSON, and one that is a list a body of plain text; otherwise Lambda drops the
// record.
func matches(pattern any, body []byte) bool {
	if pattern == nil {
		return true
	}
	var decoded any
	isJSON := json.Unmarshal(body, &decoded) == nil
	if rules, ok := pattern.([]any); ok {
		return !isJSON && utf8.Valid(body) && anyRule(rules, string(body), true)
	}
	return isJSON && matchObject(pattern, decoded)
}

func matchObject(pattern, value any) bool {
	object, _ := value.(map[string]any)
	for name, want := range pattern.(map[string]any) {
		if name == "$or" {
			alternatives := want.([]any)
			if !slices.ContainsFunc(alternatives, func(a any) bool { return matchObject(a, value) }) {
				return false
			}
			continue
		}
		got, has := object[name]
		if rules, ok := want.([]any); ok {
			if !anyRule(rules, got, has) {
				return false
			}
		} else if !matchObject(want, got) {
			return false
		}
	}
	return true
}

func anyRule(rules []any, got any, has bool) bool {
	values, ok := got.([]any) // a list matches if one of its elements does
	if !ok {
		values = []any{got}
	}
	for _, rule := range rules {
		for _, v := range values {
			if matchRule(rule, v, has) {
				return true
			}
		}
	}
	return false
}

func matchRule(rule, got any, has bool) bool {
	operator, ok := rule.(map[string]any)
	if !ok {
		return has && rule == got
	}
	text, isText := got.(string)
	for name, argument := range operator { // there is exactly one
		switch name {
		case "exists":
			return has == argument
		case "prefix":
			return isText && strings.HasPrefix(text, argument.(string))
		case "suffix":
			return isText && strings.HasSuffix(text, argument.(string))
		case "equals-ignore-case":
			return isText && strings.EqualFold(text, argument.(string))
		case "anything-but":
			return has && !slices.Contains(argument.([]any), got)
		case "numeric":
			n, isNumber := got.(float64)
			return isNumber && matchNumeric(argument.([]any), n)
		}
	}
	return false
}

func matchNumeric(conditions []any, n float64) bool {
	for i := 0; i+1 < len(conditions); i += 2 {
		limit := conditions[i+1].(float64)
		ok := map[any]bool{"=": n == limit, "<": n < limit, "<=": n <= limit, ">": n > limit, ">=": n >= limit}
		if !ok[conditions[i]] {
			return false
		}
	}
	return true
}

// checkPattern reports the parts of a pattern that matches does not support.
func checkPattern(pattern any) error {
	object, ok := pattern.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is not an object", pattern)
	}
	for name, want := range object {
		rules, isList := want.([]any)
		switch {
		case name == "$or":
			for _, alternative := range rules {
				if err := checkPattern(alternative); err != nil {
					return err
				}
			}
			if len(rules) == 0 {
				return fmt.Errorf("$or without alternatives")
			}
		case isList:
			for _, rule := range rules {
				if err := checkRule(rule); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		default:
			if err := checkPattern(want); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func checkRule(rule any) error {
	operator, ok := rule.(map[string]any)
	if !ok {
		if _, nested := rule.([]any); nested {
			return fmt.Errorf("%v is a list in a list", rule)
		}
		return nil
	}
	for name, argument := range operator {
		list, isList := argument.([]any)
		_, isText := argument.(string)
		_, isBool := argument.(bool)
		switch name {
		case "exists":
			ok = isBool
		case "prefix", "suffix", "equals-ignore-case":
			ok = isText
		case "anything-but":
			ok = isList
		case "numeric":
			ok = isList && len(list) > 0 && len(list)%2 == 0
			for i := 0; ok && i < len(list); i += 2 {
				_, isNumber := list[i+1].(float64)
				ok = isNumber && slices.Contains([]any{"=", "<", "<=", ">", ">="}, list[i])
			}
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("the rule %v is not supported locally", rule)
		}
	}
	if len(operator) != 1 {
		return fmt.Errorf("the rule %v has not one operator", rule)
	}
	return nil
}
