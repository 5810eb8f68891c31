package main

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const mugStock = "GET /v1/stock/MUG"

// signedInAs returns a pool's answer to a correct password, for a user in these groups.
func signedInAs(groups string) string {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":[` + groups + `]}`))
	return `200 {"AuthenticationResult":{"IdToken":"olga.` + claims + `.x","ExpiresIn":3600}}`
}

// withPool puts a deployment with a user pool into the working directory, and returns it with an
// operator's environment.
func withPool(t *testing.T, answers map[string][]string) (*backend, map[string]string) {
	t.Helper()
	if answers[mugStock] == nil {
		answers[mugStock] = []string{`200 {"sku":"MUG"}`}
	}
	b, dir := serve(t, answers), t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`",`+
		`"UserPoolId":"us-east-1_pool","OperatorClientId":"operators"}`)
	t.Chdir(dir)
	return b, map[string]string{"XDG_CACHE_HOME": filepath.Join(dir, "cache")}
}

func TestCommandsActAsTheOperatorUntilLogout(t *testing.T) {
	b, env := withPool(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
	_, stderr, err := runWithInput("olga@shop.example\nher password\n", env, "login")
	if err != nil || !strings.Contains(stderr, "Signed in as olga@shop.example until") ||
		strings.Contains(stderr, "not in the group") {
		t.Fatalf("%s, %v", stderr, err)
	}
	if strings.Contains(stderr, "her password") || !strings.Contains(stderr, b.url) {
		t.Errorf("printed %q", stderr)
	}
	const want = `"AuthParameters":{"PASSWORD":"her password","USERNAME":"olga@shop.example"}`
	if !strings.Contains(b.requests[0], want) {
		t.Errorf("sent %q", b.requests[0])
	}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":["operator"]}`))
	for _, c := range []struct{ line, token, want string }{
		{"stock get MUG", "", "olga." + claims + ".x"},
		{"stock get MUG --user bob", "", "bob/"},
		{"stock get MUG --role operator", "", "alice/operator"},
		{"stock get MUG --token given", "", "given"},
		{"stock get MUG --stack-file .local/stack.json", "of the environment", "of the environment"},
	} {
		env["ORDERFLOW_TOKEN"] = c.token
		if _, _, err := runHere(env, strings.Fields(c.line)...); err != nil || b.tokens[len(b.tokens)-1] != c.want {
			t.Errorf("%s: as %q, %v; want %q", c.line, b.tokens[len(b.tokens)-1], err, c.want)
		}
	}
	env["ORDERFLOW_TOKEN"] = ""
	if out, _, err := runHere(env, "token"); err != nil || out != "olga."+claims+".x\n" {
		t.Errorf("the token for other clients: %q, %v", out, err)
	}
	if _, stderr, err := runHere(env, "logout"); err != nil || !strings.Contains(stderr, "Signed out of "+b.url) {
		t.Errorf("%s, %v", stderr, err)
	}
	if _, _, err := runHere(env, "stock", "get", "MUG"); err != nil || b.tokens[len(b.tokens)-1] != "alice/" {
		t.Errorf("after logout as %v, %v", b.tokens, err)
	}
	if _, stderr, err := runHere(env, "logout"); err != nil || !strings.Contains(stderr, "not signed in") {
		t.Errorf("%s, %v", stderr, err)
	}
}

func TestTokenIsSentToNoOtherAddress(t *testing.T) {
	_, env := withPool(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
	if _, _, err := runWithInput("her password\n", env, "login", "--username", "olga@shop.example"); err != nil {
		t.Fatal(err)
	}
	other := serve(t, map[string][]string{mugStock: {`200 {"sku":"MUG"}`}})
	_, _, err := runHere(env, "stock", "get", "MUG", "--api-url", other.url)
	if err != nil || !slices.Equal(other.tokens, []string{"alice/"}) {
		t.Errorf("another address got %v, %v", other.tokens, err)
	}
}

func TestExpiredSignInIsReported(t *testing.T) {
	expired := strings.Replace(signedInAs(`"operator"`), "3600", "-1", 1)
	_, env := withPool(t, map[string][]string{"POST /": {expired}})
	if _, _, err := runWithInput("her password\n", env, "login", "--username", "olga@shop.example"); err != nil {
		t.Fatal(err)
	}
	_, _, err := runHere(env, "stock", "get", "MUG")
	if err == nil || !strings.Contains(err.Error(), "orderflow login") ||
		!strings.Contains(err.Error(), "olga@shop.example") {
		t.Errorf("%v", err)
	}
}

func TestLoginSaysWhatIsWrong(t *testing.T) {
	b, env := withPool(t, map[string][]string{"POST /": {signedInAs(`"staff"`)}})
	_, stderr, err := runWithInput("p\n", env, "login", "--username", "carl@shop.example")
	if err != nil || !strings.Contains(stderr, "not in the group operator") {
		t.Errorf("a customer: %s, %v", stderr, err)
	}
	for input, want := range map[string]string{"": "ended before", "\n": "the answer is empty"} {
		if _, _, err := runWithInput(input, env, "login"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
	writeStack(t, ".", `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`"}`)
	if _, _, err := runWithInput("p\n", env, "login"); err == nil || !strings.Contains(err.Error(), "no user pool") {
		t.Errorf("without a pool: %v", err)
	}
	t.Chdir(t.TempDir())
	if _, _, err := runWithInput("p\n", env, "login"); err == nil || !strings.Contains(err.Error(), "stack.json") {
		t.Errorf("without a stack file: %v", err)
	}
}

func TestTokenIsNeverStoredInTheWorkingDirectory(t *testing.T) {
	for _, env := range []map[string]string{{}, {"HOME": "."}, {"XDG_CACHE_HOME": "cache"}} {
		withPool(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
		if _, _, err := runWithInput("p\n", env, "login", "--username", "olga@shop.example"); err == nil {
			t.Errorf("%v: stored", env)
		}
		if left, err := os.ReadDir("."); err != nil || len(left) != 1 {
			t.Errorf("%v: left %v, %v", env, left, err)
		}
	}
}

func TestInterruptedPromptEnds(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close() // ends the reader
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := newTerminal(read, t.Output()).Secret(ctx, "Password"); err == nil || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}
