package handler

import "testing"

const result = `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","status":"`

func TestStepsReturnTheReservationsStatus(t *testing.T) {
	svc := stocked(t)
	for _, c := range [][2]string{
		{"reserve-stock", "RESERVED"}, {"commit-stock", "COMMITTED"}, {"release-stock", "RELEASED"},
	} {
		for range 2 {
			if got, want := run(t, svc, c[0]), result+c[1]+`"}`; got != want {
				t.Errorf("%s: %s; want %s", c[0], got, want)
			}
		}
	}
}

func TestStepsFailWithNamesThatTheStateMachineKnows(t *testing.T) {
	svc := stocked(t)
	for _, c := range []struct {
		step   string
		change []string
		want   string
	}{
		{"reserve-stock", []string{`"quantity": 2`, `"quantity": 101`}, "OutOfStock"},
		{"reserve-stock", []string{"MUG-BLUE", "MUG-RED"}, "OutOfStock"},
		{"reserve-stock", []string{"MUG-BLUE", "TEA-EARL-GREY"}, "InvalidInput"},
		{"reserve-stock", []string{`"quantity": 2`, `"quantity": "2"`}, "InvalidInput"},
		{"commit-stock", nil, "ReservationNotFound"},
		{"release-stock", []string{"01KAQ5M3Z8V7D2X4C6B9N1T0RW", ""}, "InvalidInput"},
		{"release-stock", nil, result + `"}`},
		{"reserve-stock", nil, "StepCompensated"},
		{"commit-stock", nil, "StepCompensated"},
	} {
		if got := run(t, svc, c.step, c.change...); got != c.want {
			t.Errorf("%s with %v: %s; want %s", c.step, c.change, got, c.want)
		}
	}
}
