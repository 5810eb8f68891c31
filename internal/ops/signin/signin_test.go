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

// cognito is a user pool with one user. Like Cognito, it sends one challenge after the other and
// accepts each session once.
type cognito struct {
	t                      *testing.T
	password               string
	temporary              bool   // the password must be replaced
	secondFactor, enrolled bool   // the pool requires a second factor; the user has one
	always                 string // the only challenge, sent every time
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
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if strings.HasPrefix(operation, "Admin") &&
		(in.UserPoolId != "eu-central-1_pool" || in.ClientId != "operators" || !signed) {
		c.fail(w, "InvalidParameterException", "another pool, or not signed")
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
		if in.AuthFlow != "ADMIN_USER_PASSWORD_AUTH" || in.AuthParameters["USERNAME"] != "olga@shop.example" ||
			in.AuthParameters["PASSWORD"] != c.password {
			c.fail(w, "NotAuthorizedException", "Incorrect username or password.")
			return
		}
		c.challengeOrToken(w)
	case "AdminRespondToAuthChallenge":
		responses := in.ChallengeResponses
		switch {
		case responses["USERNAME"] != "sub-of-olga":
			c.fail(w, "InvalidParameterException", "another user")
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
		c.challengeOrToken(w)
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
		if in.AccessToken != "access" || !in.SoftwareTokenMfaSettings["Enabled"] ||
			!in.SoftwareTokenMfaSettings["PreferredMfa"] {
			c.fail(w, "InvalidParameterException", "unexpected settings")
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

func (c *cognito) challengeOrToken(w http.ResponseWriter) {
	challenge := ""
	switch {
	case c.always != "":
		challenge = c.always
	case c.temporary:
		challenge = "NEW_PASSWORD_REQUIRED"
	case c.secondFactor && c.enrolled:
		challenge = "SOFTWARE_TOKEN_MFA"
	case c.secondFactor:
		challenge = "MFA_SETUP"
	}
	if challenge != "" {
		c.reply(w, map[string]any{"ChallengeName": challenge, "Session": fmt.Sprint("session-", c.session),
			"ChallengeParameters": map[string]string{"USER_ID_FOR_SRP": "sub-of-olga"}})
		return
	}
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":["operator"]}`))
	result := map[string]any{"IdToken": "head." + claims + ".signature", "AccessToken": "access", "ExpiresIn": 3600}
	c.reply(w, map[string]any{"AuthenticationResult": result})
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

// answers are a user's answers in turn.
type answers struct {
	left  []string
	shown []string
}

func (a *answers) next() (string, error) {
	if len(a.left) == 0 {
		return "", errors.New("asked for too many answers")
	}
	next := a.left[0]
	a.left = a.left[1:]
	return next, nil
}

func (a *answers) Text(context.Context, string) (string, error)   { return a.next() }
func (a *answers) Secret(context.Context, string) (string, error) { return a.next() }
func (a *answers) Show(text string)                               { a.shown = append(a.shown, text) }

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (c *cognito) pool(t *testing.T) signin.Pool {
	c.t = t
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	api := awsapi.Client{Config: aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}}
	return signin.Pool{API: api, ID: "eu-central-1_pool", ClientID: "operators", Now: func() time.Time { return now }}
}

func TestEveryChallengeIsAnswered(t *testing.T) {
	const (
		temporary, own = "Temporary-1234", "My own password 1"

		start   = "AdminInitiateAuth"
		respond = "AdminRespondToAuthChallenge "
	)
	for name, tt := range map[string]struct {
		cognito cognito
		setUp   bool
		typed   []string
		asked   []string
	}{
		"none": {cognito{password: own}, false, []string{own}, []string{start}},
		"a new password": {
			cognito{password: temporary, temporary: true}, false, []string{temporary, own, own},
			[]string{start, respond + "NEW_PASSWORD_REQUIRED"},
		},
		"a second factor": {
			cognito{password: own, secondFactor: true, enrolled: true}, false, []string{own, "123 456"},
			[]string{start, respond + "SOFTWARE_TOKEN_MFA"},
		},
		"both for the first time": {
			cognito{password: temporary, temporary: true, secondFactor: true}, false,
			[]string{temporary, own, own, pin},
			[]string{start, respond + "NEW_PASSWORD_REQUIRED",
				"AssociateSoftwareToken", "VerifySoftwareToken", respond + "MFA_SETUP"},
		},
		"a voluntary second factor": {
			cognito{password: own}, true, []string{own, pin},
			[]string{start, "AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.cognito
			pool := c.pool(t)
			pool.SetUpSecondFactor = tt.setUp
			user := &answers{left: tt.typed}
			token, err := pool.SignIn(t.Context(), "olga@shop.example", user)
			if err != nil {
				t.Fatal(err)
			}
			if token.Username != "olga@shop.example" || !token.Expires.Equal(now.Add(time.Hour)) ||
				!slices.Equal(token.Groups(), []string{"operator"}) {
				t.Errorf("%+v of %v", token, token.Groups())
			}
			if !slices.Equal(c.asked, tt.asked) || len(user.left) > 0 {
				t.Errorf("asked %q, want %q; %q was not asked for", c.asked, tt.asked, user.left)
			}
			shown := strings.Join(user.shown, " ")
			if strings.Contains(shown, secret) != slices.Contains(tt.asked, "AssociateSoftwareToken") {
				t.Errorf("shown %q", shown)
			}
			if c.password != own {
				t.Errorf("the password is %q", c.password)
			}
		})
	}
}

func TestFailedSignInReturnsNoToken(t *testing.T) {
	pins := slices.Repeat([]string{pin}, 7)
	for name, tt := range map[string]struct {
		cognito cognito
		typed   []string
		want    string
	}{
		"wrong password": {cognito{password: "right"}, []string{"wrong"}, "Incorrect username or password"},
		"weak new password": {cognito{password: "p", temporary: true}, []string{"p", "short", "short"},
			"not long enough"},
		"new passwords differ": {
			cognito{password: "p", temporary: true}, []string{"p", "My own password 1", "My own password 2"}, "differ",
		},
		"wrong code": {
			cognito{password: "p", secondFactor: true, enrolled: true}, []string{"p", "654321"}, "Invalid code",
		},
		"wrong first code":  {cognito{password: "p", secondFactor: true}, []string{"p", "654321"}, "Code mismatch"},
		"unknown challenge": {cognito{password: "p", always: "SMS_MFA"}, []string{"p"}, "SMS_MFA"},
		"denied by IAM":     {cognito{password: "p", denied: true}, []string{"p"}, "cognito-idp:AdminInitiateAuth"},
		"endless challenges": {
			cognito{password: "p", always: "SOFTWARE_TOKEN_MFA"}, append([]string{"p"}, pins...), "keeps asking for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.cognito
			token, err := c.pool(t).SignIn(t.Context(), "olga@shop.example", &answers{left: tt.typed})
			if err == nil || !strings.Contains(err.Error(), tt.want) || token.ID != "" {
				t.Errorf("%+v, %v; want %q", token, err, tt.want)
			}
		})
	}
}
