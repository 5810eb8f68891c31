package signin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/signin"
)

// cognito is a user pool with one user. It asks for what the user lacks, one challenge after the other, as Cognito does, and
// takes each session once.
type cognito struct {
	t                      *testing.T
	password               string
	temporary              bool // the password must be replaced
	secondFactor, enrolled bool // the pool wants a second factor; the user has one
	odd                    string
	denied                 bool

	session int
	asked   []string
}

const secret, pin = "JBSWY3DPEHPK3PXP", "123456"

func (c *cognito) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		UserPoolId, ClientId, AuthFlow, ChallengeName, Session, UserCode, AccessToken string
		AuthParameters, ChallengeResponses                                            map[string]string
		SoftwareTokenMfaSettings                                                      map[string]bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		c.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.asked = append(c.asked, strings.TrimSpace(operation+" "+in.ChallengeName))
	if c.denied {
		c.fail(w, "AccessDeniedException", "no")
		return
	}
	if strings.HasPrefix(operation, "Admin") && (in.UserPoolId != "eu-central-1_pool" || in.ClientId != "operators" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")) {
		c.fail(w, "InvalidParameterException", "of another pool, or not signed")
		return
	}
	if in.Session != "" && in.AccessToken != "" {
		c.fail(w, "InvalidParameterException", "Only one of access token and session may be provided")
		return
	}
	if in.Session != "" && in.Session != fmt.Sprint("session-", c.session) {
		c.fail(w, "NotAuthorizedException", "Invalid session for the user.")
		return
	}
	c.session++
	switch operation {
	case "AdminInitiateAuth":
		if in.AuthFlow != "ADMIN_USER_PASSWORD_AUTH" || in.AuthParameters["USERNAME"] != "olga@shop.example" || in.AuthParameters["PASSWORD"] != c.password {
			c.fail(w, "NotAuthorizedException", "Incorrect username or password.")
			return
		}
		c.goOn(w)
	case "AdminRespondToAuthChallenge":
		responses := in.ChallengeResponses
		switch {
		case responses["USERNAME"] != "sub-of-olga":
			c.fail(w, "InvalidParameterException", "who?")
			return
		case in.ChallengeName == "NEW_PASSWORD_REQUIRED" && len(responses["NEW_PASSWORD"]) < 12:
			c.fail(w, "InvalidPasswordException", "Password not long enough")
			return
		case in.ChallengeName == "NEW_PASSWORD_REQUIRED":
			c.password, c.temporary = responses["NEW_PASSWORD"], false
		case in.ChallengeName == "SOFTWARE_TOKEN_MFA" && responses["SOFTWARE_TOKEN_MFA_CODE"] != pin:
			c.fail(w, "CodeMismatchException", "Invalid code received for user")
			return
		case in.ChallengeName == "SOFTWARE_TOKEN_MFA":
			c.secondFactor = false
		case in.ChallengeName == "MFA_SETUP" && c.enrolled:
			c.secondFactor = false
		}
		c.goOn(w)
	case "AssociateSoftwareToken":
		c.reply(w, map[string]any{"SecretCode": secret, "Session": fmt.Sprint("session-", c.session)})
	case "VerifySoftwareToken":
		if in.UserCode != pin {
			c.fail(w, "EnableSoftwareTokenMFAException", "Code mismatch")
			return
		}
		c.enrolled = true
		c.reply(w, map[string]any{"Status": "SUCCESS", "Session": c.next(in.Session)})
	case "SetUserMFAPreference":
		if in.AccessToken != "access" || !in.SoftwareTokenMfaSettings["Enabled"] || !in.SoftwareTokenMfaSettings["PreferredMfa"] {
			c.fail(w, "InvalidParameterException", "what?")
			return
		}
		c.reply(w, map[string]any{})
	}
}

func (c *cognito) next(old string) string {
	if old == "" {
		return ""
	}
	return fmt.Sprint("session-", c.session)
}

func (c *cognito) goOn(w http.ResponseWriter) {
	challenge := ""
	switch {
	case c.odd != "":
		challenge = c.odd
	case c.temporary:
		challenge = "NEW_PASSWORD_REQUIRED"
	case c.secondFactor && c.enrolled:
		challenge = "SOFTWARE_TOKEN_MFA"
	case c.secondFactor:
		challenge = "MFA_SETUP"
	}
	if challenge != "" {
		c.reply(w, map[string]any{"ChallengeName": challenge, "Session": fmt.Sprint("session-", c.session), "ChallengeParameters": map[string]string{"USER_ID_FOR_SRP": "sub-of-olga"}})
		return
	}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":["operator"]}`))
	c.reply(w, map[string]any{"AuthenticationResult": map[string]any{"IdToken": "head." + claims + ".signature", "AccessToken": "access", "ExpiresIn": 3600}})
}

func (c *cognito) reply(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		c.t.Error(err)
	}
}

func (c *cognito) fail(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	c.reply(w, map[string]string{"__type": code, "message": message})
}

// answers are what a user types, one after the other.
type answers struct {
	left  []string
	heard []string
}

func (a *answers) next() (string, error) {
	if len(a.left) == 0 {
		return "", errors.New("asked for more than there was to say")
	}
	next := a.left[0]
	a.left = a.left[1:]
	return next, nil
}

func (a *answers) Text(context.Context, string) (string, error)   { return a.next() }
func (a *answers) Secret(context.Context, string) (string, error) { return a.next() }
func (a *answers) Tell(text string)                               { a.heard = append(a.heard, text) }

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (c *cognito) pool(t *testing.T) signin.Pool {
	c.t = t
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return signin.Pool{API: awsapi.Client{Config: aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}},
		ID: "eu-central-1_pool", ClientID: "operators", Now: func() time.Time { return now }}
}

func TestEveryChallengeOfCognitoIsAnswered(t *testing.T) {
	const first, own = "Temporary-1234", "My own password 1"
	for name, tt := range map[string]struct {
		cognito cognito
		setUp   bool
		types   []string
		asked   []string
	}{
		"none":                    {cognito{password: own}, false, []string{own}, []string{"AdminInitiateAuth"}},
		"a new password":          {cognito{password: first, temporary: true}, false, []string{first, own, own}, []string{"AdminInitiateAuth", "AdminRespondToAuthChallenge NEW_PASSWORD_REQUIRED"}},
		"a second factor":         {cognito{password: own, secondFactor: true, enrolled: true}, false, []string{own, "123 456"}, []string{"AdminInitiateAuth", "AdminRespondToAuthChallenge SOFTWARE_TOKEN_MFA"}},
		"both for the first time": {cognito{password: first, temporary: true, secondFactor: true}, false, []string{first, own, own, pin}, []string{"AdminInitiateAuth", "AdminRespondToAuthChallenge NEW_PASSWORD_REQUIRED", "AssociateSoftwareToken", "VerifySoftwareToken", "AdminRespondToAuthChallenge MFA_SETUP"}},
		"a second factor at will": {cognito{password: own}, true, []string{own, pin}, []string{"AdminInitiateAuth", "AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.cognito
			pool := c.pool(t)
			pool.SetUpSecondFactor = tt.setUp
			says := &answers{left: tt.types}
			token, err := pool.SignIn(t.Context(), "olga@shop.example", says)
			if err != nil {
				t.Fatal(err)
			}
			if token.Username != "olga@shop.example" || !token.Expires.Equal(now.Add(time.Hour)) || !slices.Equal(token.Groups(), []string{"operator"}) {
				t.Errorf("%+v of %v", token, token.Groups())
			}
			if !slices.Equal(c.asked, tt.asked) || len(says.left) > 0 {
				t.Errorf("asked %q, want %q; %q was not asked for", c.asked, tt.asked, says.left)
			}
			if told := strings.Join(says.heard, " "); strings.Contains(told, secret) != slices.Contains(tt.asked, "AssociateSoftwareToken") {
				t.Errorf("told %q", told)
			}
			if c.password != own {
				t.Errorf("the password is %q", c.password)
			}
		})
	}
}

func TestWhatIsWrongIsSaidAndNothingIsSignedIn(t *testing.T) {
	for name, tt := range map[string]struct {
		cognito cognito
		types   []string
		want    string
	}{
		"a wrong password":          {cognito{password: "right"}, []string{"wrong"}, "Incorrect username or password"},
		"new passwords that differ": {cognito{password: "p", temporary: true}, []string{"p", "My own password 1", "My own password 2"}, "differ"},
		"a weak new password":       {cognito{password: "p", temporary: true}, []string{"p", "short", "short"}, "not long enough"},
		"a wrong code":              {cognito{password: "p", secondFactor: true, enrolled: true}, []string{"p", "654321"}, "Invalid code"},
		"a wrong first code":        {cognito{password: "p", secondFactor: true}, []string{"p", "654321"}, "Code mismatch"},
		"an unknown challenge":      {cognito{password: "p", odd: "SMS_MFA"}, []string{"p"}, "SMS_MFA"},
		"no leave of IAM":           {cognito{password: "p", denied: true}, []string{"p"}, "cognito-idp:AdminInitiateAuth"},
		"no end":                    {cognito{password: "p", odd: "SOFTWARE_TOKEN_MFA"}, []string{"p", pin, pin, pin, pin, pin, pin, pin}, "again and again"},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.cognito
			token, err := c.pool(t).SignIn(t.Context(), "olga@shop.example", &answers{left: tt.types})
			if err == nil || !strings.Contains(err.Error(), tt.want) || token.ID != "" {
				t.Errorf("%+v, %v; want %q", token, err, tt.want)
			}
		})
	}
}
