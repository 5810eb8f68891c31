package devstack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The image in which SAM runs functions of the runtime provided.al2023. Where SAM cannot make it, since it cannot fetch its base, it takes
// the one that is there.
const imageRepository = "public.ecr.aws/lambda/provided"

func imageTag() string { return "al2023-rapid-" + HostArchitecture() }

// certificates is where Debian keeps those of certificate authorities.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// importRuntime gives the engine an image with SAM's own emulator of the Lambda runtime, the machine's certificates, and nothing else.
// That is enough for our functions: they are linked statically and keep to UTC.
func (r Repo) importRuntime(ctx context.Context, d docker) error {
	found, err := filepath.Glob(r.Path(".tools", "sam", "lib", "python3*", "site-packages", "samcli", "local", "rapid", "aws-lambda-rie-"+HostArchitecture()))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("the SAM CLI in .tools has no emulator of the runtime where it was: found %q: %w", found, err)
	}
	emulator, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	authorities, err := os.ReadFile(certificates)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, dir := range []string{"var/", "var/rapid/", "var/task/", "opt/", "etc/", "etc/ssl/", "etc/ssl/certs/"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}))
	}
	err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777})
	for _, file := range []struct {
		name string
		mode int64
		data []byte
	}{
		{"var/rapid/aws-lambda-rie", 0o755, emulator},
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n")},
		{certificates[1:], 0o644, authorities},
	} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file.name, Mode: file.mode, Size: int64(len(file.data))}))
		if err == nil {
			_, err = w.Write(file.data)
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return d.importImage(ctx, imageRepository, imageTag(), &archive)
}
