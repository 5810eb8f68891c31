package contracts

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"
)

// errLanguage is returned for patterns that cannot be compared; they count as different.
var errLanguage = errors.New("the patterns are too large to compare, or have word boundaries")

// maxStates bounds a comparison. The patterns of our contracts need a few hundred.
const maxStates = 100_000

// A language is the texts that match a pattern and have at least min and at most max characters.
type language struct {
	pattern string
	min     int
	max     *int // nil: any number
}

func (l language) allows(length int) bool {
	return length >= l.min && (l.max == nil || length <= *l.max)
}

// beyond is the first length that the bounds treat like all longer ones.
func (l language) beyond() int {
	if l.max != nil {
		return max(l.min, *l.max+1)
	}
	return l.min
}

// outside returns a text of language a that is not in b; ok is false if none exists. It runs both
// automata in parallel, breadth first.
func outside(a, b language) (witness string, ok bool, err error) {
	left, err := compile(a.pattern)
	if err != nil {
		return "", false, err
	}
	right, err := compile(b.pattern)
	if err != nil {
		return "", false, err
	}
	runes := representatives(left, right)
	type state struct {
		a, b   []uint32
		length int // at most beyond
		text   string
	}
	beyond := max(a.beyond(), b.beyond())
	queue := []state{{a: []uint32{uint32(left.Start)}, b: []uint32{uint32(right.Start)}}}
	seen := map[string]bool{}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		first := s.text == ""
		_, inA := closure(left, s.a, first, true)
		_, inB := closure(right, s.b, first, true)
		if inA && a.allows(s.length) && (!inB || !b.allows(s.length)) {
			return s.text, true, nil
		}
		fromA, _ := closure(left, s.a, first, false)
		fromB, _ := closure(right, s.b, first, false)
		for _, r := range runes {
			next := state{step(left, fromA, r), step(right, fromB, r), min(s.length+1, beyond), s.text + string(r)}
			key := fmt.Sprint(next.a, next.b, next.length)
			if len(next.a) == 0 || seen[key] || a.max != nil && next.length > *a.max {
				continue // a has no text with this prefix, or it was already visited
			}
			seen[key] = true
			queue = append(queue, next)
		}
		if len(seen) > maxStates {
			return "", false, errLanguage
		}
	}
	return "", false, nil
}

// compile returns the automaton of the texts that contain a match of the pattern.
func compile(pattern string) (*syntax.Prog, error) {
	re, err := syntax.Parse(`(?s:.*)(?:`+pattern+`)(?s:.*)`, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	for _, inst := range prog.Inst {
		const known = syntax.EmptyBeginText | syntax.EmptyEndText
		if inst.Op == syntax.InstEmptyWidth && syntax.EmptyOp(inst.Arg)&^known != 0 {
			return nil, errLanguage
		}
	}
	return prog, nil
}

// representatives returns one rune of each class that the automata cannot tell apart.
func representatives(progs ...*syntax.Prog) []rune {
	edges := []rune{0, '\n', '\n' + 1, 'a'}
	for _, p := range progs {
		for _, inst := range p.Inst {
			for i, r := range inst.Rune {
				edges = append(edges, r)
				if i%2 == 1 || len(inst.Rune) == 1 {
					edges = append(edges, r+1)
				}
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					edges = append(edges, f, f+1)
				}
			}
		}
	}
	invalid := func(r rune) bool { return r > unicode.MaxRune || r >= 0xD800 && r < 0xE000 }
	edges = slices.DeleteFunc(edges, invalid)
	slices.Sort(edges)
	return slices.Compact(edges)
}

// closure follows the instructions that read no rune. matched reports whether the text may end
// here.
func closure(p *syntax.Prog, from []uint32, begins, ends bool) (reading []uint32, matched bool) {
	seen := map[uint32]bool{}
	var follow func(pc uint32)
	follow = func(pc uint32) {
		if seen[pc] {
			return
		}
		seen[pc] = true
		switch inst := &p.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			follow(inst.Out)
			follow(inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			follow(inst.Out)
		case syntax.InstEmptyWidth:
			op := syntax.EmptyOp(inst.Arg)
			if (op&syntax.EmptyBeginText == 0 || begins) && (op&syntax.EmptyEndText == 0 || ends) {
				follow(inst.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			reading = append(reading, pc)
		}
	}
	for _, pc := range from {
		follow(pc)
	}
	return reading, matched
}

// step returns the states after reading r.
func step(p *syntax.Prog, from []uint32, r rune) (next []uint32) {
	for _, pc := range from {
		if p.Inst[pc].MatchRune(r) {
			next = append(next, p.Inst[pc].Out)
		}
	}
	slices.Sort(next)
	return slices.Compact(next)
}
