package catalog

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWordsDifferNeitherInCaseNorInAccents(t *testing.T) {
	for text, want := range map[string]string{
		"Blue mug":          "blue mug",
		"MUG, blue; (Mug)":  "mug blue",
		"Große Süßigkeiten": "grosse sussigkeiten",
		"GROSSE":            "grosse",
		"Café Crème":        "cafe creme", // composed
		"Cafe\u0301":        "cafe",       // decomposed
		"Smørrebrød, Łódź":  "smorrebrod lodz",
		"İstanbul Işık":     "istanbul isik",
		"T-shirt A4 3/4":    "t shirt a4 3 4",
		"Ｔｅａ ½ l":           "tea 1 2 l",
		"青い マグ":             "青い マク\u3099",
		"Чайник":            "чаиник",
		"ΟΔΟΣ οδός":         "οδοσ",
		" – #":              "",
		"":                  "",
	} {
		if got := strings.Join(fold(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheIndexHasTheFirstTwelveWordsOfAName(t *testing.T) {
	const twelve = "a b c d e f g h i j k l"
	if got := wordsOf(twelve + " a m n"); got != twelve {
		t.Errorf("%q, want %q", got, twelve)
	}
	if got := wordsOf(strings.Repeat("Ä", 40)); got != strings.Repeat("a", maxLetters) {
		t.Errorf("a long word: %q", got)
	}
}

func FuzzFold(f *testing.F) {
	for _, text := range []string{"Blue mug", "Große", "İŞ", "\xff#", "ﷺ ㎏", "e\u0301\u0345"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := fold(text)
		for i, w := range words {
			if w == "" || strings.ContainsAny(w, " #") || utf8.RuneCountInString(w) > maxLetters ||
				slices.Contains(words[:i], w) {
				t.Errorf("%q: word %q", text, w)
			}
		}
		joined := strings.Join(words, " ")
		if again := strings.Join(fold(joined), " "); again != joined {
			t.Errorf("%q: %q, and of that %q", text, joined, again)
		}
	})
}
