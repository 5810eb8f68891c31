package ddb

import (
	"encoding/base64"
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/fault"
)

func TestCursorNeedsStringKeys(t *testing.T) {
	if cursor, err := encodeCursor(Values{"pk": Number(1)}); err == nil {
		t.Errorf("cursor %q from a number", cursor)
	}
}

// FuzzDecodeCursor: an accepted cursor has exactly the keys of the requested partition; others are
// refused with fault.ErrCursor.
func FuzzDecodeCursor(f *testing.F) {
	for _, plain := range []string{
		`{"pk":"a","sk":"1"}`, `{"pk":"a","sk":"1","byCustomerPk":"c","byCustomerSk":"2"}`,
		`{"pk":"b","sk":"1"}`, `{"pk":"a"}`, `{"pk":"a","sk":""}`, `{"pk":"a","sk":"1","x":"y"}`,
		`{"pk":"a","sk":1}`, `{"PK":"a","sk":"1"}`, `null`, `[]`, ``,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(plain)), "", "pk", "a")
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(plain)), "byCustomer", "byCustomerPk", "c")
	}
	f.Add("%%%", "", "pk", "a")
	f.Add("e30=", "", "pk", "")
	f.Fuzz(func(t *testing.T, cursor, index, _, pk string) {
		pkName := "pk"
		if index != "" {
			index, pkName = "byCustomer", "byCustomerPk"
		}
		key, err := decodeCursor(cursor, index, pkName, pk)
		if err != nil || cursor == "" {
			if key != nil || err != nil && !errors.Is(err, fault.ErrCursor) {
				t.Fatalf("key %v, error %v", key, err)
			}
			return
		}
		want := 2
		if index != "" {
			want = 4
		}
		if s, ok := key[pkName].(*types.AttributeValueMemberS); !ok || s.Value != pk || len(key) != want {
			t.Fatalf("accepted %v for partition %q", key, pk)
		}
		for name, v := range key {
			if s, ok := v.(*types.AttributeValueMemberS); !ok || s.Value == "" {
				t.Errorf("%s is empty, which DynamoDB refuses", name)
			}
		}
		again, err := encodeCursor(key)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decodeCursor(again, index, pkName, pk)
		if err != nil || !maps.EqualFunc(key, same, func(a, b types.AttributeValue) bool {
			return a.(*types.AttributeValueMemberS).Value == b.(*types.AttributeValueMemberS).Value
		}) {
			t.Errorf("%v became %v, %v", key, same, err)
		}
	})
}
