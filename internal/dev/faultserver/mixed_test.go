package faultserver_test

import (
	"net/http"
	"slices"
	"testing"

	"orderflow/internal/dev/faultserver"
)

func TestEveryNthRequestMeetsTheOtherFault(t *testing.T) {
	s, err := faultserver.New(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Set(faultserver.Status(http.StatusServiceUnavailable, 0).Mixed(3, faultserver.NotJSON)); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 6 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got = append(got, res.StatusCode)
	}
	if want := []int{503, 503, 200, 503, 503, 200}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
}
