// Package chart draws reports as SVG.
package chart

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Point is a value of a series. Points without a day are bars, those with one are lines over time.
type Point struct {
	Day, Series string
	Value       float64
}

const width, height = 24 * vg.Centimeter, 12 * vg.Centimeter

// Draw writes points as an SVG image.
func Draw(out io.Writer, title, unit string, points []Point) error {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text, p.Y.Min = title, unit, 0
	draw := lines
	if len(points) > 0 && points[0].Day == "" {
		draw = bars
	}
	if err := draw(p, points); err != nil {
		return err
	}
	image, err := p.WriterTo(width, height, "svg")
	if err != nil {
		return err
	}
	_, err = image.WriteTo(out)
	return err
}

func lines(p *plot.Plot, points []Point) error {
	p.Legend.Top = true
	series, days := map[string]plotter.XYs{}, map[time.Time]bool{}
	for _, point := range points {
		day, err := time.Parse(time.DateOnly, point.Day)
		if err != nil {
			return fmt.Errorf("a point has the day %q: %w", point.Day, err)
		}
		days[day] = true
		series[point.Series] = append(series[point.Series], plotter.XY{X: float64(day.Unix()), Y: point.Value})
	}
	p.X.Tick.Marker = ticks(slices.SortedFunc(maps.Keys(days), time.Time.Compare))
	p.Add(plotter.NewGrid())
	for i, name := range slices.Sorted(maps.Keys(series)) {
		line, dots, err := plotter.NewLinePoints(series[name])
		if err != nil {
			return err
		}
		line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		p.Add(line, dots)
		p.Legend.Add(name, line, dots)
	}
	return nil
}

// ticks marks the days, at most ten of them.
func ticks(days []time.Time) (marks plot.ConstantTicks) {
	every := (len(days) + 9) / 10
	for i, day := range days {
		if i%every == 0 {
			marks = append(marks, plot.Tick{Value: float64(day.Unix()), Label: day.Format("02 Jan")})
		}
	}
	return marks
}

func bars(p *plot.Plot, points []Point) error {
	values, names := make(plotter.Values, len(points)), make([]string, len(points))
	for i, point := range points {
		values[i], names[i] = point.Value, point.Series
	}
	chart, err := plotter.NewBarChart(values, width/vg.Length(2*len(points)+2))
	if err != nil {
		return err
	}
	chart.Color = plotutil.Color(1)
	p.Add(chart)
	p.NominalX(names...)
	return nil
}
