package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/spf13/cobra"
)

func TestWhatACommandPrintsDoesNotDriveTheTerminal(t *testing.T) {
	cmd := root()
	cmd.AddCommand(&cobra.Command{Use: "say", Run: func(cmd *cobra.Command, _ []string) {
		fmt.Fprint(cmd.OutOrStdout(), "a line of a log\x1b[31m\u202e\n")
	}})
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"say"})
	if err := cmd.Execute(); err != nil || out.String() != "a line of a log\\u001b[31m\\u202e\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
