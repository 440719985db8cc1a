// Package chart draws lines over two logarithmic axes as an SVG that reads well on
// light and dark pages.
package chart

import (
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// A Chart is a picture of some series.
type Chart struct {
	Title, X, Y string // X and Y name the axes, with units
	Series      []Series
}

// A Series is a line through points of positive coordinates, ascending in X. A Limit is
// what the others are held against: dashed, in the colour of text.
type Series struct {
	Name   string
	Points [][2]float64
	Limit  bool
}

// The picture, in pixels: a frame for the lines, and room right of it for their names.
const (
	width, height          = 860, 480
	left, right, top, foot = 70, 190, 48, 56
)

// colours of up to eight series, told apart with any kind of colour vision
// (Okabe and Ito, Color Universal Design, 2008).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#7f7f7f"}

const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #1c1c1c }
.title { font-size: 16px; font-weight: 600 }
.grid { stroke: #d8d8d8 } .frame { stroke: #8a8a8a; fill: none }
.limit { stroke: #1c1c1c; stroke-dasharray: 6 4 }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  .page { fill: #16181c } text { fill: #e6e6e6 } .grid { stroke: #33373d } .limit { stroke: #e6e6e6 }
}
</style>
`

// An axis maps the logarithm of its range to pixels.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	return a.from + (math.Log(v)-math.Log(a.low))/(math.Log(a.high)-math.Log(a.low))*(a.to-a.from)
}

// ticks are 1, 2 and 5 times powers of ten within the axis, or powers of ten alone where
// those are many.
func (a axis) ticks() (ts []float64) {
	steps := []float64{1, 2, 5}
	if a.high/a.low > 3000 {
		steps = steps[:1]
	}
	for e := math.Floor(math.Log10(a.low)); e <= math.Log10(a.high); e++ {
		for _, s := range steps {
			if v := s * math.Pow(10, e); v >= a.low*0.999 && v <= a.high*1.001 {
				ts = append(ts, v)
			}
		}
	}
	return ts
}

// WriteTo writes the SVG. A chart needs a point at least.
func (c *Chart) WriteTo(w io.Writer) (int64, error) {
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`+"\n", width, height, width, height)
	s.WriteString(style)
	fmt.Fprintf(&s, `<rect class="page" width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	text := func(x, y float64, anchor, class, t string) {
		fmt.Fprintf(&s, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`+"\n", x, y, anchor, class, html.EscapeString(t))
	}
	x, y := c.axes()
	text(left, 28, "start", "title", c.Title)
	for _, v := range x.ticks() {
		fmt.Fprintf(&s, `<path class="grid" d="M%.1f %dV%d"/>`+"\n", x.at(v), top, height-foot)
		text(x.at(v), height-foot+18, "middle", "", number(v))
	}
	for _, v := range y.ticks() {
		fmt.Fprintf(&s, `<path class="grid" d="M%d %.1fH%d"/>`+"\n", left, y.at(v), width-right)
		text(left-8, y.at(v)+4, "end", "", number(v))
	}
	fmt.Fprintf(&s, `<rect class="frame" x="%d" y="%d" width="%d" height="%d"/>`+"\n", left, top, width-left-right, height-top-foot)
	text((left+width-right)/2, height-14, "middle", "", c.X)
	fmt.Fprintf(&s, `<text x="18" y="%d" text-anchor="middle" transform="rotate(-90 18 %d)">%s</text>`+"\n", (top+height-foot)/2, (top+height-foot)/2, html.EscapeString(c.Y))

	labels := c.labels(y)
	colour := 0
	for i, line := range c.Series {
		class, stroke := "line limit", ""
		if !line.Limit {
			class, stroke = "line", fmt.Sprintf(` stroke="%s"`, colours[colour%len(colours)])
			colour++
		}
		var d, dots strings.Builder
		for k, p := range line.Points {
			fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(k, 1)], x.at(p[0]), y.at(p[1]))
			if !line.Limit {
				fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x.at(p[0]), y.at(p[1]), colours[(colour-1)%len(colours)])
			}
		}
		fmt.Fprintf(&s, `<path class="%s"%s d="%s"/>%s`+"\n", class, stroke, d.String(), dots.String())
		end := line.Points[len(line.Points)-1]
		fmt.Fprintf(&s, `<path class="grid" d="M%.1f %.1fL%d %.1f"/>`+"\n", x.at(end[0])+5, y.at(end[1]), width-right+8, labels[i]-4)
		text(width-right+12, labels[i], "start", "", line.Name)
	}
	s.WriteString("</svg>\n")
	n, err := io.WriteString(w, s.String())
	return int64(n), err
}

// WriteFile writes the SVG to a file, which is there whole or not at all.
func (c *Chart) WriteFile(name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".chart*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = c.WriteTo(f)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// axes span all points, with a little room.
func (c *Chart) axes() (x, y axis) {
	x = axis{math.Inf(1), 0, left, width - right}
	y = axis{math.Inf(1), 0, height - foot, top}
	for _, line := range c.Series {
		for _, p := range line.Points {
			x.low, x.high = min(x.low, p[0]), max(x.high, p[0])
			y.low, y.high = min(y.low, p[1]), max(y.high, p[1])
		}
	}
	x.low, x.high, y.low, y.high = x.low/1.15, x.high*1.15, y.low/1.3, y.high*1.3
	return x, y
}

// labels are where the series' names stand: beside their last points, and 17 pixels apart.
func (c *Chart) labels(y axis) []float64 {
	at := make([]float64, len(c.Series))
	order := make([]int, len(c.Series))
	for i, line := range c.Series {
		at[i], order[i] = y.at(line.Points[len(line.Points)-1][1])+4, i
	}
	for i := range order {
		for k := i; k > 0 && at[order[k]] < at[order[k-1]]; k-- {
			order[k], order[k-1] = order[k-1], order[k]
		}
	}
	for k := 1; k < len(order); k++ {
		at[order[k]] = max(at[order[k]], at[order[k-1]]+17)
	}
	if len(order) == 0 {
		return at
	}
	// What went below the frame pushes up.
	limit := float64(height - foot)
	for k := len(order) - 1; k >= 0; k-- {
		at[order[k]] = min(at[order[k]], limit)
		limit = at[order[k]] - 17
	}
	return at
}

// number is short: 2k for 2000.
func number(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.3gG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}
