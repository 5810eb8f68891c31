package samlocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
)

// Hold serves the API with SAM, stocks the shop, prints example commands, and waits until ctx ends.
func Hold(ctx context.Context, o Options) (err error) {
	w, err := begin(ctx, o, devstack.NewReporter(os.Stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end(ctx)) }()
	shop := demo.Of(w.stack, "alice")
	if err := errors.Join(shop.Stock(ctx), stockTea(ctx, w.stack)); err != nil {
		return err
	}
	served, err := w.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	token, err := shop.Customer.Token(ctx)
	if err != nil {
		return err
	}
	invoke, err := w.sam.local(ctx, "invoke", "PlaceOrderFunction", "--event", "events/orders/place-order.json")
	if err != nil {
		return err
	}
	var export strings.Builder
	for _, entry := range append(w.engine.Environ(), w.stack.Emulator.SAMEnviron("")...) {
		if name, value, _ := strings.Cut(entry, "="); value != "" {
			fmt.Fprintf(&export, " %s=%s", name, value)
		}
	}
	fmt.Fprintf(o.Out, `
sam local start-api serves the API at %s. To call it, and to invoke a function, in another terminal:

  export%s TOKEN=%s
  curl -H "Authorization: Bearer $TOKEN" %s/v1/products
  %s

Ctrl-C ends it all.
`, served.URL, export.String(), token, served.URL, quote(invoke.Args))
	select {
	case <-ctx.Done():
		return nil
	case <-served.done:
		return fmt.Errorf("sam local start-api has ended: %w (see %s)", served.why, w.sam.log("start-api"))
	}
}

// quote returns a command as a shell line.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		if quoted[i] = arg; strings.Contains(arg, " ") {
			quoted[i] = "'" + arg + "'"
		}
	}
	return strings.Join(quoted, " ")
}
