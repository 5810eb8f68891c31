package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/signin"
)

func login(a *app) *cobra.Command {
	var username string
	var secondFactor bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in as an operator, for an hour",
		Long: `Sign in to the deployment's user pool with user name and password, without a browser. Your AWS
credentials must allow cognito-idp:AdminInitiateAuth and cognito-idp:AdminRespondToAuthChallenge on
the pool. Cognito may ask for a new password and for a code of an authenticator app. For an hour,
other commands then act as you on this deployment, unless --token, $ORDERFLOW_TOKEN, --user or
--role is given.

If the standard input is not a terminal, it must have one answer per line: the user name unless --username
is given, the password, then whatever Cognito asks for. The token is stored in ~/.cache/orderflow
($XDG_CACHE_HOME), readable only by you, and is sent only to the address that you signed in to.

` + stackFileHelp,
		Example: `  orderflow login --username olga@shop.example --stack-file stack.json
  orderflow login --set-up-mfa`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.deployment()
			if err != nil {
				return err
			}
			url := a.address(d)
			if d.outputs["UserPoolId"] == "" || d.outputs["OperatorClientId"] == "" || url == "" {
				return fmt.Errorf("the stack file %s lacks UserPoolId, OperatorClientId or ApiUrl: "+
					"this deployment has no user pool, or the file is outdated", d.file)
			}
			cfg, err := awsConfig(cmd.Context(), d, true)
			if err != nil {
				return err
			}
			cfg.Region, _, _ = strings.Cut(d.outputs["UserPoolId"], "_") // a pool's id begins with its region
			ask := newTerminal(cmd.InOrStdin(), cmd.ErrOrStderr())
			ask.Show("Signing in to " + url + " (stack file " + d.file + ")")
			if username == "" {
				if username, err = ask.Text(cmd.Context(), "E-mail address"); err != nil {
					return err
				}
			}
			pool := signin.Pool{
				API: awsapi.Client{Config: cfg}, ID: d.outputs["UserPoolId"], ClientID: d.outputs["OperatorClientId"],
				Now: time.Now, SetUpSecondFactor: secondFactor,
			}
			token, err := pool.SignIn(cmd.Context(), username, ask)
			if err != nil {
				return err
			}
			if err := a.signIns().Save(url, token); err != nil {
				return fmt.Errorf("store the token: %w", err)
			}
			ask.Show("Signed in as " + username + " until " + token.Expires.Local().Format(time.TimeOnly))
			if !slices.Contains(token.Groups(), operator) {
				ask.Show("This user is not in the group " + operator + ", so the API treats it as a customer. " +
					"Add it with `aws cognito-idp admin-add-user-to-group`, then sign in again.")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&username, "username", "", "e-mail `address` of the user (default: asked for)")
	cmd.Flags().BoolVar(&secondFactor, "set-up-mfa", false,
		"also set up an authenticator app as your second factor, if the deployment does not require one")
	return cmd
}

func logout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "Delete the token of `orderflow login`",
		Example: "  orderflow logout",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.deployment()
			if err != nil && a.address(d) == "" {
				return err
			}
			signedIn, err := a.signIns().Remove(a.address(d))
			if err != nil {
				return err
			}
			text := "You were not signed in to "
			if signedIn {
				text = "Signed out of "
			}
			fmt.Fprintln(cmd.ErrOrStderr(), text+a.address(d))
			return nil
		},
	}
}

// address returns the address of the API, or "" if it is unknown.
func (a *app) address(d deployment) string {
	return cmp.Or(a.apiURL, a.getenv("ORDERFLOW_API_URL"), d.outputs["ApiUrl"])
}

// signIns returns the store of `orderflow login`: in the user's own directory, never in the working
// directory.
func (a *app) signIns() signin.Store {
	cache := a.getenv("XDG_CACHE_HOME")
	if home := a.getenv("HOME"); cache == "" && filepath.IsAbs(home) {
		cache = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(cache) {
		return ""
	}
	return signin.Store(filepath.Join(cache, "orderflow"))
}

// signedIn returns the stored token for an address, or "" if there is none.
func (a *app) signedIn(url string) (string, error) {
	token, err := a.signIns().Load(url)
	switch {
	case errors.Is(err, signin.ErrNotSignedIn):
		return "", nil
	case err != nil:
		return "", err
	case !time.Now().Before(token.Expires):
		expired := token.Expires.Local().Format(time.DateTime)
		return "", fmt.Errorf("the sign-in of %s to %s expired at %s: run `orderflow login` or `orderflow logout`",
			token.Username, url, expired)
	}
	return token.ID, nil
}
