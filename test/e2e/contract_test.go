package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"orderflow/internal/ops/client"
)

// A client is generated from the contract that the stack serves, and works.
func TestClientGeneratedFromTheContractPlacesOrders(t *testing.T) {
	t.Parallel()
	address := stack.Outputs["ApiUrl"] + "/v1/openapi.json"
	res, contract := exchange(t, http.MethodGet, address, "", nil)
	if res.status != http.StatusOK {
		t.Fatalf("%d %s", res.status, contract)
	}
	known := map[string]string{"If-None-Match": res.header.Get("ETag")}
	if again, body := exchange(t, http.MethodGet, address, "", known); again.status != http.StatusNotModified {
		t.Errorf("the contract again: %d %s", again.status, body)
	}

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/generated-client")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), contract, 0o600); err != nil {
		t.Fatal(err)
	}
	wanted, err := json.Marshal(order("CUP", 1, "pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	goCommand := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		var stderr bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &stderr
		// Not the product's flags, which would compile the dependencies a second time.
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "ORDERFLOW_API="+stack.Outputs["ApiUrl"],
			"ORDERFLOW_TOKEN="+bearer(t, "gena", ""), "ORDERFLOW_ORDER="+string(wanted), "ORDERFLOW_KEY="+t.Name())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, stderr.Bytes())
		}
		return out
	}
	goCommand("tool", "oapi-codegen", "-generate", "client,models", "-package", "main", "-o", "client.go",
		"openapi.json")
	var read, same client.Order
	if err := json.Unmarshal(goCommand("run", "."), &read); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(goCommand("run", "."), &same); err != nil || same.OrderID != read.OrderID {
		t.Errorf("the same key placed %s and %s, %v", read.OrderID, same.OrderID, err)
	}
	if read.Status != client.Confirmed || read.Items[0].SKU != "CUP" || read.Total.Amount != 1999 {
		t.Errorf("%+v", read)
	}
}
