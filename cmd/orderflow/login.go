package main

import (
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
		Long: `Sign in to the deployment's user pool with name and password, without a browser. Your credentials for AWS must allow
cognito-idp:AdminInitiateAuth and cognito-idp:AdminRespondToAuthChallenge on the pool. Cognito may ask for a new password, and for the code of an
authenticator app. Other commands then act as you on this deployment, for an hour; --token, $ORDERFLOW_TOKEN, --user and --role go before it.

Where the standard input is not a terminal, each answer is a line of it: the name unless --username has it, the password, then what Cognito asks for.
The token is kept in ~/.cache/orderflow ($XDG_CACHE_HOME), where only you may read it, and is sent to the address that you signed in for only.

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
				return fmt.Errorf("the stack file %s has no UserPoolId, OperatorClientId and ApiUrl: this deployment has no user pool, or the file is older than it", d.file)
			}
			cfg, err := awsConfig(cmd.Context(), d, true)
			if err != nil {
				return err
			}
			cfg.Region, _, _ = strings.Cut(d.outputs["UserPoolId"], "_") // a pool's id begins with its region
			ask := newTerminal(cmd.InOrStdin(), cmd.ErrOrStderr())
			ask.Tell("Signing in to " + url + ", by the stack file " + d.file)
			if username == "" {
				if username, err = ask.Text(cmd.Context(), "E-mail address"); err != nil {
					return err
				}
			}
			pool := signin.Pool{API: awsapi.Client{Config: cfg}, ID: d.outputs["UserPoolId"], ClientID: d.outputs["OperatorClientId"], Now: time.Now, SetUpSecondFactor: secondFactor}
			token, err := pool.SignIn(cmd.Context(), username, ask)
			if err != nil {
				return err
			}
			if err := a.signIns().Save(url, token); err != nil {
				return fmt.Errorf("keep the token: %w", err)
			}
			ask.Tell("Signed in as " + username + " until " + token.Expires.Local().Format(time.TimeOnly))
			if !slices.Contains(token.Groups(), operator) {
				ask.Tell("This user is not in the group " + operator + ", and is a customer to the API: `aws cognito-idp admin-add-user-to-group` puts it there. Then sign in again.")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&username, "username", "", "e-mail `address` of the user (default: asked for)")
	cmd.Flags().BoolVar(&secondFactor, "set-up-mfa", false, "also have an authenticator app made your second factor, where the deployment leaves that to you")
	return cmd
}

func logout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "Forget the sign-in of `orderflow login`",
		Example: "  orderflow logout",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.deployment()
			if err != nil && a.address(d) == "" {
				return err
			}
			was, err := a.signIns().Remove(a.address(d))
			if err != nil {
				return err
			}
			text := "You were not signed in to "
			if was {
				text = "Signed out of "
			}
			fmt.Fprintln(cmd.ErrOrStderr(), text+a.address(d))
			return nil
		},
	}
}

// address is that of the API; empty if it is not known.
func (a *app) address(d deployment) string {
	return first(a.apiURL, a.getenv("ORDERFLOW_API_URL"), d.outputs["ApiUrl"])
}

// signIns are those of `orderflow login`, in the user's own directory and never in the working directory.
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

// signedIn returns the token of the sign-in for an address; empty where there is none.
func (a *app) signedIn(url string) (string, error) {
	token, err := a.signIns().Load(url)
	switch {
	case errors.Is(err, signin.ErrNotSignedIn):
		return "", nil
	case err != nil:
		return "", err
	case !time.Now().Before(token.Expires):
		return "", fmt.Errorf("the sign-in as %s at %s ended %s: `orderflow login` again, or `orderflow logout`", token.Username, url, token.Expires.Local().Format(time.DateTime))
	}
	return token.ID, nil
}
