package signin_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // G505: required by RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/signin"
	"orderflow/internal/platform/ddb/ddbtest"
)

// authenticator is a user with an authenticator app. It reads the secret from the text shown.
type authenticator struct {
	answers
	secret string
}

func (a *authenticator) Show(text string) {
	if at := strings.LastIndex(text, ": "); strings.Contains(text, "secret") {
		a.secret = text[at+2:]
	}
}

func (a *authenticator) Text(context.Context, string) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(a.secret, "="))
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1000000), nil
}

func TestOperatorOfAPoolInTheEmulator(t *testing.T) {
	api := awsapi.Client{Config: ddbtest.Config(t)}
	call := func(operation string, in map[string]any, out any) {
		t.Helper()
		target := "AWSCognitoIdentityProviderService." + operation
		if err := api.JSON(t.Context(), "cognito-idp", target, in, out); err != nil {
			t.Fatal(err)
		}
	}
	var pool struct{ UserPool struct{ Id string } }
	call("CreateUserPool", map[string]any{"PoolName": "signin-" + rand.Text(), "UsernameAttributes": []string{"email"}},
		&pool)
	id := pool.UserPool.Id
	call("SetUserPoolMfaConfig", map[string]any{"UserPoolId": id, "MfaConfiguration": "OPTIONAL",
		"SoftwareTokenMfaConfiguration": map[string]bool{"Enabled": true}}, nil)
	var client struct{ UserPoolClient struct{ ClientId string } }
	call("CreateUserPoolClient", map[string]any{"UserPoolId": id, "ClientName": "operators",
		"ExplicitAuthFlows": []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH"}}, &client)
	call("CreateGroup", map[string]any{"UserPoolId": id, "GroupName": "operator"}, nil)
	const email, temporary, own = "olga@shop.example", "Given-to-her-1", "Her-own-choice-2"
	call("AdminCreateUser", map[string]any{
		"UserPoolId": id, "Username": email, "TemporaryPassword": temporary, "MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{{"Name": "email", "Value": email},
			{"Name": "email_verified", "Value": "true"}},
	}, nil)
	call("AdminAddUserToGroup", map[string]any{"UserPoolId": id, "Username": email, "GroupName": "operator"}, nil)

	p := signin.Pool{API: api, ID: id, ClientID: client.UserPoolClient.ClientId, Now: time.Now, SetUpSecondFactor: true}
	olga := &authenticator{answers: answers{left: []string{temporary, own, own, own}}}
	token, err := p.SignIn(t.Context(), email, olga)
	if err != nil || !slices.Equal(token.Groups(), []string{"operator"}) || time.Until(token.Expires) < 59*time.Minute {
		t.Fatalf("first sign-in: %+v, %v", token, err)
	}
	p.SetUpSecondFactor = false
	if token, err = p.SignIn(t.Context(), email, olga); err != nil || token.ID == "" || len(olga.left) > 0 {
		t.Errorf("with a second factor: %+v, %v, %d answers not asked for", token, err, len(olga.left))
	}
	other := &authenticator{answers: answers{left: []string{own}}, secret: "JBSWY3DPEHPK3PXP"}
	if _, err := p.SignIn(t.Context(), email, other); err == nil {
		t.Error("the code of another authenticator app is accepted")
	}
}
