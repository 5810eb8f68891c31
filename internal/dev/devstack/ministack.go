package devstack

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
)

// miniStack is the default: it starts in two seconds, needs nothing but Python, has Cognito and
// enforces IAM.
type miniStack struct{}

func (miniStack) setup(ctx context.Context, r Repo, rep *Reporter) error {
	return rep.install(ctx, r.python("ministack"))
}

func (miniStack) adapt(*Options) error { return nil }

func (miniStack) command(r Repo, e *Emulator, port int) (argv, env []string) {
	files := e.files()
	return []string{r.Path(".tools", "ministack", "bin", "python"),
			r.Path("tools", "webguard", "ministack_guarded.py")}, []string{
			"STATE_DIR=" + filepath.Join(files, "state"), "S3_DATA_DIR=" + filepath.Join(files, "s3"),
			"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + strconv.Itoa(port), "MINISTACK_REGION=" + Region,
			"AWS_ENDPOINT_URL=" + e.URL, // otherwise functions would call AWS
			"AWS_EC2_METADATA_DISABLED=true",
			"MINISTACK_EDITION=" + e.Name,
			"AUTH=true",              // enforce IAM
			"CLOUDTRAIL_RECORDING=1", // LookupEvents lists every call
			// No listeners on fixed ports, which emulators would fight over, and no Docker, whose
			// containers it would remove.
			"SFTP_ENABLED=0", "IOT_MTLS_ENABLED=0", "DOCKER_HOST=unix://" + filepath.Join(files, "no-docker.sock"),
		}
}

func (miniStack) named(ctx context.Context, e *Emulator) (string, error) {
	var health struct{ Edition string }
	err := get(ctx, e.URL+"/_ministack/health", &health)
	return health.Edition, err
}

func (miniStack) inbox(ctx context.Context, e *Emulator) ([]Mail, error) {
	var answer struct {
		Messages map[string][]struct { // by account
			To       []string
			Subject  string
			BodyText string
		}
	}
	if err := get(ctx, e.URL+"/_ministack/ses/messages", &answer); err != nil {
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	var mails []Mail
	for _, sent := range answer.Messages {
		for _, m := range sent {
			mails = append(mails, Mail{To: m.To, Subject: m.Subject, Text: m.BodyText})
		}
	}
	return mails, nil
}

func (miniStack) scaleWaits(ctx context.Context, s *Stack, scale float64) error {
	err := s.Emulator.rest(ctx, "ministack", http.MethodPost, "/_ministack/config",
		map[string]float64{"stepfunctions._SFN_WAIT_SCALE": scale}, nil)
	if err != nil {
		return fmt.Errorf("scale the waits: %w", err)
	}
	return nil
}
