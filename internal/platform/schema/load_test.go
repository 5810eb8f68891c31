package schema_test

import (
	"testing"
	"testing/fstest"

	"orderflow/internal/platform/schema"
)

func TestATypeThatMakesNoURNIsRefused(t *testing.T) {
	set, err := schema.Load(fstest.MapFS{"\x7f.schema.json": {Data: []byte(`{}`)}})
	if err == nil || set != nil {
		t.Errorf("Load = %v, %v; want it refused", set, err)
	}
}
