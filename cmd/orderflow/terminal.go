package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// terminal prompts on the standard error and reads the answers from the standard input, one per
// line.
type terminal struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
}

func newTerminal(in io.Reader, out io.Writer) *terminal {
	return &terminal{in: in, lines: bufio.NewReader(in), out: out}
}

// Show prints a line of text.
func (t *terminal) Show(text string) { fmt.Fprintln(t.out, text) }

// Text asks for an answer that is shown while it is typed.
func (t *terminal) Text(ctx context.Context, prompt string) (string, error) {
	fmt.Fprintf(t.out, "%s: ", prompt)
	answer, err := t.line(ctx)
	if !t.echoes() {
		fmt.Fprintln(t.out)
	}
	return answer, err
}

// Secret asks for an answer that is not shown.
func (t *terminal) Secret(ctx context.Context, prompt string) (string, error) {
	fmt.Fprintf(t.out, "%s: ", prompt)
	if t.echoes() {
		if err := t.stty("-echo"); err != nil {
			return "", fmt.Errorf("cannot hide what is typed: %w", err)
		}
		defer func() { _ = t.stty("echo") }()
	}
	answer, err := t.line(ctx)
	fmt.Fprintln(t.out)
	return answer, err
}

// line reads a line, or ends with the context.
func (t *terminal) line(ctx context.Context) (string, error) {
	type read struct {
		text string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := t.lines.ReadString('\n')
		done <- read{text, err}
	}()
	select {
	case r := <-done:
		text := strings.TrimRight(r.text, "\r\n")
		if errors.Is(r.err, io.EOF) && text != "" {
			r.err = nil
		}
		if r.err == nil && text == "" {
			r.err = errors.New("the answer is empty")
		}
		if errors.Is(r.err, io.EOF) {
			r.err = errors.New("the input ended before the answer")
		}
		return text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// echoes reports whether the input is a terminal, which shows what is typed.
func (t *terminal) echoes() bool {
	f, ok := t.in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && t.stty("-g") == nil
}

func (t *terminal) stty(setting string) error {
	//nolint:gosec,noctx // G204: constant settings; echo is restored after an interrupt, too
	cmd := exec.Command("stty", setting)
	cmd.Stdin = t.in
	return cmd.Run()
}
