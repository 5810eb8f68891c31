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

// signedIn is what a pool answers to a good password, for a user in these groups.
func signedInAs(groups string) string {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":[` + groups + `]}`))
	return `200 {"AuthenticationResult":{"IdToken":"olga.` + claims + `.x","ExpiresIn":3600}}`
}

// pooled is a deployment with a user pool, in the working directory, and an operator's environment.
func pooled(t *testing.T, answers map[string][]string) (*backend, map[string]string) {
	t.Helper()
	if answers[mugStock] == nil {
		answers[mugStock] = []string{`200 {"sku":"MUG"}`}
	}
	b, dir := serve(t, answers), t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`","UserPoolId":"us-east-1_pool","OperatorClientId":"operators"}`)
	t.Chdir(dir)
	return b, map[string]string{"XDG_CACHE_HOME": filepath.Join(dir, "cache")}
}

func TestAfterLoginCommandsActAsTheOperatorUntilLogout(t *testing.T) {
	b, env := pooled(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
	_, said, err := typing("olga@shop.example\nher password\n", env, "login")
	if err != nil || !strings.Contains(said, "Signed in as olga@shop.example until") || strings.Contains(said, "not in the group") {
		t.Fatalf("%s, %v", said, err)
	}
	if strings.Contains(said, "her password") || !strings.Contains(said, b.url) {
		t.Errorf("said %q", said)
	}
	if want := `"AuthParameters":{"PASSWORD":"her password","USERNAME":"olga@shop.example"}`; !strings.Contains(b.asked[0], want) {
		t.Errorf("asked %q", b.asked[0])
	}
	for _, c := range []struct{ line, token, want string }{
		{"stock get MUG", "", "olga." + base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":["operator"]}`)) + ".x"},
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
	if _, said, err := runHere(env, "logout"); err != nil || !strings.Contains(said, "Signed out of "+b.url) {
		t.Errorf("%s, %v", said, err)
	}
	if _, _, err := runHere(env, "stock", "get", "MUG"); err != nil || b.tokens[len(b.tokens)-1] != "alice/" {
		t.Errorf("after logout as %v, %v", b.tokens, err)
	}
	if _, said, err := runHere(env, "logout"); err != nil || !strings.Contains(said, "not signed in") {
		t.Errorf("%s, %v", said, err)
	}
}

func TestTokenGoesToNoOtherAddress(t *testing.T) {
	_, env := pooled(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
	if _, _, err := typing("her password\n", env, "login", "--username", "olga@shop.example"); err != nil {
		t.Fatal(err)
	}
	other := serve(t, map[string][]string{mugStock: {`200 {"sku":"MUG"}`}})
	if _, _, err := runHere(env, "stock", "get", "MUG", "--api-url", other.url); err != nil || !slices.Equal(other.tokens, []string{"alice/"}) {
		t.Errorf("another address got %v, %v", other.tokens, err)
	}
}

func TestSignInThatHasEndedIsSaidToHave(t *testing.T) {
	_, env := pooled(t, map[string][]string{"POST /": {strings.Replace(signedInAs(`"operator"`), "3600", "-1", 1)}})
	if _, _, err := typing("her password\n", env, "login", "--username", "olga@shop.example"); err != nil {
		t.Fatal(err)
	}
	_, _, err := runHere(env, "stock", "get", "MUG")
	if err == nil || !strings.Contains(err.Error(), "orderflow login") || !strings.Contains(err.Error(), "olga@shop.example") {
		t.Errorf("%v", err)
	}
}

func TestLoginSaysWhatIsWrong(t *testing.T) {
	b, env := pooled(t, map[string][]string{"POST /": {signedInAs(`"staff"`)}})
	if _, said, err := typing("p\n", env, "login", "--username", "carl@shop.example"); err != nil || !strings.Contains(said, "not in the group operator") {
		t.Errorf("a customer: %s, %v", said, err)
	}
	for input, want := range map[string]string{"": "ended before", "\n": "nothing was given"} {
		if _, _, err := typing(input, env, "login"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
	writeStack(t, ".", `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`"}`)
	if _, _, err := typing("p\n", env, "login"); err == nil || !strings.Contains(err.Error(), "no user pool") {
		t.Errorf("without a pool: %v", err)
	}
	t.Chdir(t.TempDir())
	if _, _, err := typing("p\n", env, "login"); err == nil || !strings.Contains(err.Error(), "stack.json") {
		t.Errorf("without a stack file: %v", err)
	}
}

func TestSignInIsNeverKeptInTheWorkingDirectory(t *testing.T) {
	for _, env := range []map[string]string{{}, {"HOME": "."}, {"XDG_CACHE_HOME": "cache"}} {
		pooled(t, map[string][]string{"POST /": {signedInAs(`"operator"`)}})
		if _, _, err := typing("p\n", env, "login", "--username", "olga@shop.example"); err == nil {
			t.Errorf("%v: kept", env)
		}
		if left, err := os.ReadDir("."); err != nil || len(left) != 1 {
			t.Errorf("%v: left %v, %v", env, left, err)
		}
	}
}

func TestInterruptedQuestionEnds(t *testing.T) {
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
