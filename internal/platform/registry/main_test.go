package registry

import (
	"log/slog"
	"os"
	"testing"
)

// The properties eject endpoints by the thousand.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
