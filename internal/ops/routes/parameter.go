// Package routes is what an operator does with the strangler: read and change the table of routes,
// and see what its functions logged about it.
package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/awsapi"
)

// Parameter is the SSM parameter with the table of routes. It is not in the template: a deployment
// or its rollback must not undo what an operator decided.
type Parameter struct {
	API  awsapi.Client
	Name string
}

var (
	// ErrBad means that the stored table is bad. Functions use the last good one.
	ErrBad = errors.New("the stored table of routes is bad")
	// ErrOverwritten means that another change was made between reading and writing, and is lost.
	ErrOverwritten = errors.New("another change was made at the same time and is overwritten")
)

// Stored is a table and the version of the parameter, 0 if there is none yet.
type Stored struct {
	strangler.Table
	Revision int64 `json:"revision"`
}

// Read returns the stored table. Without a parameter it is [strangler.AllLegacy], as for the
// functions. If the stored one is bad, the error is ErrBad and the table is AllLegacy, too.
func (p Parameter) Read(ctx context.Context) (Stored, error) {
	stored := Stored{Table: strangler.AllLegacy()}
	var out struct {
		Parameter struct {
			Value   string
			Version int64
		}
	}
	err := p.API.JSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": p.Name}, &out)
	if awsapi.Failed(err, "ParameterNotFound") {
		return stored, nil
	}
	if err != nil {
		return stored, fmt.Errorf("read %s: %w", p.Name, err)
	}
	stored.Revision = out.Parameter.Version
	table, err := strangler.Parse([]byte(out.Parameter.Value))
	if err != nil {
		return stored, fmt.Errorf("%w: %w", ErrBad, err)
	}
	stored.Table = table
	return stored, nil
}

// Check returns what is wrong with a table.
func Check(t strangler.Table) error {
	_, err := encode(t)
	return err
}

func encode(t strangler.Table) ([]byte, error) {
	text, err := json.Marshal(t)
	if err == nil {
		_, err = strangler.Parse(text)
	}
	return text, err
}

// Write replaces what Read returned. It refuses a bad table. Functions cache the table for 15 s.
func (p Parameter) Write(ctx context.Context, s Stored) error {
	text, err := encode(s.Table)
	if err != nil {
		return err
	}
	in := map[string]any{"Name": p.Name, "Value": string(text), "Type": "String", "Overwrite": s.Revision > 0,
		"Description": "Which side serves each route of the old shop; change it with: orderflow strangler set"}
	var out struct{ Version int64 }
	if err := p.API.JSON(ctx, "ssm", "AmazonSSM.PutParameter", in, &out); err != nil {
		return fmt.Errorf("write %s: %w", p.Name, err)
	}
	if out.Version != s.Revision+1 {
		return ErrOverwritten
	}
	return nil
}
