package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
)

// output returns the output of a client.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
	return string(out)
}

func TestNativeGRPCByPythonGrpcurlAndBuf(t *testing.T) {
	t.Parallel()
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	report := devstack.NewReporter(os.Stderr)
	token, err := stack.Token(t.Context(), userOf(t), "")
	if err != nil {
		t.Fatal(err)
	}
	protos := repo.Path("api", "proto")
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	watch := []string{"-H", "authorization: Bearer " + token, "-d", `{"orderId":"` + o.OrderID + `"}`}

	t.Run("Python", func(t *testing.T) {
		if err := repo.SetupPython(t.Context(), report, "grpcio"); err != nil {
			t.Fatal(err)
		}
		python, stubs := repo.Path(".tools", "grpcio", "bin", "python"), t.TempDir()
		files, err := filepath.Glob(filepath.Join(protos, "orderflow", "v1", "*.proto"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		output(t, python, append([]string{"-m", "grpc_tools.protoc", "-I", protos, "--python_out=" + stubs,
			"--grpc_python_out=" + stubs}, files...)...)
		out := output(t, python, filepath.Join("testdata", "grpc_client.py"), stubs, stack.GRPCTarget, token)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if n := len(lines); n < 3 || lines[0] != "1 ORDER_STATUS_PENDING" ||
			!strings.HasSuffix(lines[n-2], "ORDER_STATUS_CONFIRMED") || lines[n-1] != "UNAUTHENTICATED" {
			t.Errorf("got %q", lines)
		}
	})

	t.Run("grpcurl", func(t *testing.T) {
		if err := repo.SetupGo(t.Context(), report, "grpcurl"); err != nil {
			t.Fatal(err)
		}
		grpcurl := repo.Path(".tools", "bin", "grpcurl")
		if out := output(t, grpcurl, "-plaintext", stack.GRPCTarget, "list"); !strings.Contains(out,
			"orderflow.v1.OrderService") {
			t.Errorf("reflection lists %q", out)
		}
		args := append([]string{"-plaintext"}, watch...)
		out := output(t, grpcurl, append(args, stack.GRPCTarget, "orderflow.v1.OrderService/WatchOrder")...)
		if !strings.Contains(out, "ORDER_STATUS_CONFIRMED") || !strings.Contains(out, o.OrderID) {
			t.Errorf("got %s", out)
		}
	})

	t.Run("buf", func(t *testing.T) {
		buf, err := repo.SetupBuf(t.Context(), report)
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect"}, watch...)
		out := output(t, buf, append(args, "http://"+stack.GRPCTarget+"/orderflow.v1.OrderService/WatchOrder")...)
		if !strings.Contains(out, "ORDER_STATUS_CONFIRMED") {
			t.Errorf("got %s", out)
		}
	})
}
