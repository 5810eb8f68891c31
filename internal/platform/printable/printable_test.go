package printable_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"orderflow/internal/platform/printable"
)

func TestTextOfAnyLanguageIsAccepted(t *testing.T) {
	for _, s := range []string{
		"Ada", "Zoë Müller-Lüdenscheidt", "山田太郎", "東京都千代田区丸の内１丁目", "محمد علي", "नेहा शर्मा", "Łódź", "O’Brien",
		"〒100-0001",
		"می\u200cخواهم",        // Persian, with a non-joiner
		"क्\u200dष",            // Hindi, with a joiner
		"👩\u200d🚒 Ltd", "❤️ x", // emoji
		"12\u00a0rue de la Paix", // no-break space
		strings.Repeat("Ä", 200),
	} {
		if !printable.OneLine(s) {
			t.Errorf("%q is refused", s)
		}
		if got := printable.Escape(s); got != s {
			t.Errorf("%q is escaped as %q", s, got)
		}
	}
}

func TestBlankTextIsRefused(t *testing.T) {
	for _, s := range []string{
		"", " ", "\u00a0", "\u2003\u2009", "\u3000", "\u1680", "\u2800", "\u3164", "\u115f\u1160", "\uffa0", "\u034f",
		"\ufe0f", " \u00a0\u2800",
	} {
		if printable.OneLine(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// TestInvisibleTextIsRefused tries every character of the categories.
func TestInvisibleTextIsRefused(t *testing.T) {
	tried := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			continue
		}
		tried++
		for _, s := range []string{string(r), "Ada" + string(r), string(r) + "Ada", "Ada " + string(r) + " L"} {
			if printable.OneLine(s) {
				t.Errorf("%+q is accepted", s)
			}
			if got := printable.Escape(s); strings.ContainsRune(got, r) {
				t.Errorf("%+q is not escaped", s)
			}
		}
	}
	for _, named := range "\u0085\u009b\u200b\u202e\u2028\u2029\u00ad\ufeff\x1b\x00\x7f" {
		if printable.OneLine("Ada" + string(named) + "L") {
			t.Errorf("%+q is accepted", named)
		}
	}
	if tried < 200 {
		t.Errorf("tried only %d characters", tried)
	}
}

func TestReplacementCharacterIsRefused(t *testing.T) {
	for _, s := range []string{"Ad\ufffd", "Ad\xff", "\xed\xa0\x80"} {
		if printable.OneLine(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestEscapedJSONKeepsItsMeaning(t *testing.T) {
	stored := map[string]string{"name": "A\u202eda\u009b31m\u200b\U000e0041\n\t\"x\\", "reason": "fine ü 山"}
	var out strings.Builder
	if err := json.NewEncoder(printable.Writer(&out)).Encode(stored); err != nil {
		t.Fatal(err)
	}
	for _, r := range strings.TrimSuffix(out.String(), "\n") {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Errorf("%+q reaches the terminal: %s", r, out.String())
		}
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(stored) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestInvalidBytesAreEscaped(t *testing.T) {
	if got := printable.Escape("a\x9b31mb"); got != `a\ufffd31mb` { // 0x9b is CSI on an 8-bit terminal
		t.Errorf("got %q", got)
	}
}

func TestWriterKeepsLineBreaksAndTabs(t *testing.T) {
	var out strings.Builder
	n, err := fmt.Fprint(printable.Writer(&out), "a\tb\n\x1b[31m\r")
	if want := "a\tb\n\\u001b[31m\\u000d"; out.String() != want || n != len("a\tb\n\x1b[31m\r") || err != nil {
		t.Errorf("got %q, %d, %v", out.String(), n, err)
	}
}

func TestWriterReturnsTheError(t *testing.T) {
	if n, err := fmt.Fprint(printable.Writer(broken{}), "Ada"); n != 0 || err == nil {
		t.Errorf("got %d, %v", n, err)
	}
}

// broken is a closed pipe.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func ExampleEscape() {
	fmt.Println(printable.Escape("Ada\u202e Lovelace\x1b[31m"))
	// Output: Ada\u202e Lovelace\u001b[31m
}
