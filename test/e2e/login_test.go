package e2e_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orderflow/internal/ops/awsapi"
)

func TestAnOperatorSignsInWithoutABrowser(t *testing.T) {
	t.Parallel()
	dir, err := buildCLI()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	orderflow := func(input string, args ...string) (string, error) {
		args = append(args, "--stack-file", filepath.Join(dir, "stack.json"))
		command := filepath.Join(dir, "orderflow")
		cmd := exec.CommandContext(t.Context(), command, args...) //nolint:gosec // G204: our own
		cmd.Stdin, cmd.Env = strings.NewReader(input), append(cmd.Environ(), "XDG_CACHE_HOME="+cache)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	pool := stack.Outputs["UserPoolId"]
	if pool == "" { // functions verify tokens of the stack's own issuer
		if out, err := orderflow("", "login"); err == nil || !strings.Contains(out, "no user pool") {
			t.Errorf("%s, %v", out, err)
		}
		return
	}
	// As README says, for the first operator.
	email, first, own := "first-"+strings.ToLower(rand.Text())+"@example.com", "Given-to-her-1", "Her-own-choice-2"
	admin := func(operation string, in map[string]any) {
		t.Helper()
		in["UserPoolId"], in["Username"] = pool, email
		if err := (awsapi.Client{Config: stack.Config()}).JSON(t.Context(), "cognito-idp",
			"AWSCognitoIdentityProviderService."+operation, in, nil); err != nil {
			t.Fatal(err)
		}
	}
	admin("AdminCreateUser", map[string]any{"TemporaryPassword": first, "MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{{"Name": "email", "Value": email},
			{"Name": "email_verified", "Value": "true"}}})
	admin("AdminAddUserToGroup", map[string]any{"GroupName": "operator"})

	if out, err := orderflow("wrong\n", "login", "--username", email); err == nil ||
		!strings.Contains(out, "NotAuthorizedException") {
		t.Errorf("a wrong password: %s, %v", out, err)
	}
	if out, err := orderflow(strings.Join([]string{first, own, own, ""}, "\n"), "login", "--username",
		email); err != nil || !strings.Contains(out, "Signed in as "+email) ||
		strings.Contains(out, "not in the group") {
		t.Fatalf("%s, %v", out, err)
	}
	if status := asSignedIn(t, cache, "/v1/stock/MUG-BLUE"); status != http.StatusOK {
		t.Errorf("an operation for operators answers %d", status)
	}
	if out, err := orderflow("", "stock", "get", "MUG-BLUE"); err != nil {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := orderflow("", "logout"); err != nil || !strings.Contains(out, "Signed out") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := orderflow(own+"\n", "login", "--username", email); err != nil {
		t.Errorf("with her own password: %s, %v", out, err)
	}
}

// asSignedIn gets a path of the API with the token stored by login, and returns the status.
func asSignedIn(t *testing.T, cache, path string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cache, "orderflow", "token-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("login stored %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ IDToken string }
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, stack.Outputs["ApiUrl"]+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+kept.IDToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
