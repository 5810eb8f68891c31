package catalog

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxWords is how many words of a name the index has, its first ones.
	maxWords = 12
	// maxLetters is how many letters of a word count.
	maxLetters = 32
)

// letters are those that Unicode does not take for others with accents, but customers do.
var letters = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ı", "i", "ς", "σ",
)

// Accents are the combining marks of European scripts. Those of others belong to their letters.
const firstAccent, lastAccent = '\u0300', '\u036f'

// fold returns the words of a text, sequences of letters and digits, in the order in which they
// come first. Words that differ in case, accents or width are the same.
func fold(text string) []string {
	var plain strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if r < firstAccent || lastAccent < r {
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	var words []string
	for word := range strings.FieldsFuncSeq(letters.Replace(plain.String()), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}) {
		if runes := []rune(word); len(runes) > maxLetters {
			word = string(runes[:maxLetters])
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// wordsOf returns the words of a name for the index.
func wordsOf(name string) string {
	words := fold(name)
	return strings.Join(words[:min(len(words), maxWords)], " ")
}

// Entry is an entry of the index of words: a word of a product's name.
type Entry struct {
	Word, SKU string
	// Words are all of the product's words.
	Words string
}

// isFound reports whether the product has words that begin with the sought ones. Of its entries for
// the leading one only the first is found, so that a product is found once.
func (e Entry) isFound(sought []string, lead string) bool {
	words := strings.Fields(e.Words)
	for _, s := range sought {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, s) }) {
			return false
		}
	}
	return e.Word == firstWord(e.Words, lead)
}

// firstWord returns the first of the words, in the order of the index, with the prefix, or "".
func firstWord(words, prefix string) (first string) {
	for word := range strings.FieldsSeq(words) {
		if strings.HasPrefix(word, prefix) && (first == "" || word < first) {
			first = word
		}
	}
	return first
}
