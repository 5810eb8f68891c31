package e2e_test

import (
	"net/http"
	"strings"
	"testing"
)

// A page that is open in a browser of this machine reaches the emulator. What follows is what it can send without being asked for leave.
func TestAWebPageCannotUseTheLocalStack(t *testing.T) {
	const form, text = "application/x-www-form-urlencoded", "text/plain"
	const user = "Action=CreateUser&Version=2010-05-08&UserName=page"
	emulator := stack.Emulator.URL
	for name, c := range map[string]struct {
		method, url, contentType, body string
		page                           map[string]string
	}{
		"a function made by a simple request": {http.MethodPost, "/2015-03-31/functions", text,
			`{"FunctionName":"page","Role":"arn:aws:iam::000000000000:role/page","Code":{}}`, map[string]string{"Origin": "https://page.example"}},
		"a user made by a form":         {http.MethodPost, "/", form, user, map[string]string{"Origin": "null"}},
		"a user made by a picture":      {http.MethodGet, "/?" + user, "", "", map[string]string{"Sec-Fetch-Site": "cross-site"}},
		"a user made by a name of ours": {http.MethodPost, "/", form, user, map[string]string{"Host": "rebound.example"}},
		"the API by a name of ours":     {http.MethodGet, strings.TrimPrefix(stack.Outputs["ApiUrl"], emulator) + "/health/live", "", "", map[string]string{"Host": "rebound.example"}},
		"mails read by a script":        {http.MethodGet, "/_ministack/ses/messages", "", "", map[string]string{"Origin": "http://localhost:3000"}},
	} {
		t.Run(name, func(t *testing.T) {
			send := func(headers map[string]string) int {
				req, err := http.NewRequestWithContext(t.Context(), c.method, emulator+c.url, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.contentType != "" {
					req.Header.Set("Content-Type", c.contentType)
				}
				for name, value := range headers {
					req.Header.Set(name, value)
				}
				req.Host = req.Header.Get("Host")
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				return res.StatusCode
			}
			if status := send(c.page); status != http.StatusForbidden {
				t.Errorf("the page is answered %d, want 403", status)
			}
			if status := send(nil); status == http.StatusForbidden {
				t.Error("a program is refused, too, so this shows nothing about pages")
			}
		})
	}
	if status, _, _, err := anonymously(t.Context(), "/health/live"); err != nil || status != http.StatusOK {
		t.Errorf("the API itself answers %d, %v", status, err)
	}
}
