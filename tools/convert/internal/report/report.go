// Package report draws a conversion as one HTML page that needs nothing else: no fonts,
// scripts or links from outside. It reads on light and dark screens, on a phone and on
// paper.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
)

// A Conversion is what the page shows.
type Conversion struct {
	Source, Spec string   // the file and its format; the spec, "" for none
	Notes        []string // what was left aside or changed
	Out          string   // the path of the model
	Float        *format.Model
	Int8         *format.Model // nil for none

	SourceBytes, FloatBytes, Int8Bytes int64 // sizes of the files

	Proof  *proof.Result // nil for none
	Checks []*proof.Check
	Failed bool // a check failed: there is no model
}

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"db": decibel, "bytes": size, "breakable": breakable, "e": func(v float64) string { return fmt.Sprintf("%.2e", v) },
}).Parse(page))

// Write writes the page. Every text from a file is escaped.
func (c *Conversion) Write(w io.Writer) error {
	v := view{Conversion: c, Title: filepath.Base(c.Out), Graph: graph(c.Float), Grids: histograms(c.Float)}
	largest := max(c.SourceBytes, c.FloatBytes, c.Int8Bytes, 1)
	for _, s := range []struct {
		name  string
		bytes int64
	}{{"source", c.SourceBytes}, {"float32", c.FloatBytes}, {"int8", c.Int8Bytes}} {
		if s.bytes > 0 {
			v.Sizes = append(v.Sizes, bar{s.name, size(s.bytes), 100 * float64(s.bytes) / float64(largest), s.name})
		}
	}
	if p := c.Proof; p != nil && p.Steps > 0 {
		v.Results = append(v.Results, result{"float32", p.Float32})
		if p.Int8 != nil {
			v.Results = append(v.Results, result{"int8", p.Int8})
		}
		v.Errors = overTime(p)
		for i, name := range p.Layers {
			for _, r := range v.Results {
				if snr := r.Layers[i]; !math.IsNaN(snr) && len(v.Layers) < maxShown {
					v.Layers = append(v.Layers, bar{name, decibel(snr), 100 * min(max(snr, 0), 160) / 160, r.Name})
					name = ""
				}
			}
		}
	}
	return pageTemplate.Execute(w, v)
}

// maxShown bounds what a hostile model can put on the page.
const maxShown = 200

// view is what the template reads.
type view struct {
	*Conversion
	Title         string
	Graph, Errors template.HTML
	Grids         []grid
	Sizes, Layers []bar
	Results       []result
}

type result struct {
	Name string
	*proof.Errors
}

// Growing says in words whether the error grows.
func (r result) Growing() string {
	switch {
	case math.IsNaN(r.Growth):
		return "not known"
	case math.IsInf(r.Growth, 1):
		return "yes, from none"
	case r.Grows():
		return fmt.Sprintf("yes, %.1f×", r.Growth)
	}
	return "no"
}

type bar struct {
	Name, Value string
	Percent     float64
	Class       string
}

func decibel(snr float64) string {
	if math.IsInf(snr, 1) {
		return "exact"
	}
	if math.IsInf(snr, -1) {
		return "−∞ dB"
	}
	return fmt.Sprintf("%.1f dB", snr)
}

func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
