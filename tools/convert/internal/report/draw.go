package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
)

// A picture collects the text of an SVG. All that is not a number goes through label.
type picture struct{ strings.Builder }

func (p *picture) add(format string, a ...any) { fmt.Fprintf(&p.Builder, format+"\n", a...) }

func (p *picture) label(x, y float64, class, text string) {
	p.add(`<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, template.HTMLEscapeString(text))
}

func (p *picture) html() template.HTML {
	p.WriteString("</svg>")
	return template.HTML(p.String())
}

// short cuts a text so that it fits into a box.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most/2]) + "…" + string(r[len(r)-most/2+1:])
	}
	return s
}

func floats(n int) string {
	if n == 1 {
		return "1 float"
	}
	return fmt.Sprintf("%d floats", n)
}

// breakable is a name that a line may end in, after a dot, a slash or an underscore.
func breakable(name string) template.HTML {
	return template.HTML(breaks.Replace(template.HTMLEscapeString(name)))
}

var breaks = strings.NewReplacer(".", ".<wbr>", "/", "/<wbr>", "_", "_<wbr>")

// graph draws the layers from top to bottom, in the order they run. Lines at the right go
// round the layers between.
func graph(m *format.Model) template.HTML {
	const width, box, pitch, left = 440, 44, 66, 8
	layers := m.Layers[:min(len(m.Layers), maxShown)]
	var p picture
	p.add(`<svg viewBox="0 0 %d %d" class="graph" role="img" aria-label="graph of the layers">`, width, (len(layers)+1)*pitch)
	p.add(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>`)
	at := map[format.Buffer]int{format.Input: 0} // the place of the layer that writes a buffer
	draw := func(i int, class, name, about string) {
		y := float64(i * pitch)
		p.add(`<rect x="%d" y="%.1f" width="330" height="%d" rx="8" class="box %s"/>`, left, y+1, box, class)
		p.label(left+12, y+19, "name", short(name, 38))
		p.label(left+12, y+36, "small", about)
	}
	input := floats(m.InputSize())
	if v := m.Vocabulary(); v > 0 {
		input = fmt.Sprintf("one token of %d", v)
	}
	draw(0, "end", "input", input)
	detours := 0
	for k, l := range layers {
		i := k + 1
		f := format.FieldsOf(l)
		weights := 0
		for _, id := range f.Tensors {
			weights += m.Tensor(id).Rows * m.Tensor(id).Cols
		}
		about := fmt.Sprintf("%v, gives %s", l.Op(), floats(m.Buffers[f.Writes]))
		if weights > 0 {
			about += fmt.Sprintf(", %d weights", weights)
		}
		class := ""
		if f.Writes == m.Output {
			class, about = "end", about+": the output"
		}
		draw(i, class, l.LayerName(), about)
		for _, x := range f.Reads {
			from := at[x]
			if from == i-1 {
				p.add(`<path d="M170 %dV%d" class="edge" marker-end="url(#tip)"/>`, from*pitch+box+2, i*pitch-1)
				continue
			}
			lane := 352 + 12*(detours%7)
			detours++
			p.add(`<path d="M338 %dH%dV%dH341" class="edge" marker-end="url(#tip)"/>`, from*pitch+30, lane, i*pitch+14)
		}
		at[f.Writes] = i
	}
	return p.html()
}

// overTime draws the largest error of each step over the steps: two series, the error on
// a logarithmic axis. Many steps are drawn as the largest of a few neighbours.
func overTime(r *proof.Result) template.HTML {
	const width, height, left, right, top, foot = 720, 300, 62, 14, 12, 40
	series := []result{{"float32", r.Float32}}
	if r.Int8 != nil {
		series = append(series, result{"int8", r.Int8})
	}
	low, high := math.Inf(1), 0.0
	for _, s := range series {
		for _, v := range worstOfGroups(s.Step) {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if high == 0 {
		return `<p>Every step is exact.</p>`
	}
	if r.RMS > 0 {
		high = max(high, r.RMS)
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	from = max(from, to-12) // a few steps that are nearly exact would flatten the rest
	if from >= to {
		to = from + 1
	}
	y := func(v float64) float64 {
		e := min(max(math.Log10(max(v, 1e-300)), from), to)
		return height - foot - (e-from)/(to-from)*(height-foot-top)
	}
	x := func(step int) float64 {
		return left + float64(step)/float64(max(r.Steps-1, 1))*(width-left-right)
	}
	var p picture
	p.add(`<svg viewBox="0 0 %d %d" class="chart" role="img" aria-label="error of each step, float32%s">`, width, height, map[bool]string{true: " and int8", false: ""}[r.Int8 != nil])
	every := max(1, int(to-from)/6)
	for e := from; e <= to; e++ {
		at := y(math.Pow(10, e))
		p.add(`<path d="M%d %.1fH%d" class="rule"/>`, left, at, width-right)
		if int(e-from)%every == 0 {
			p.label(left-8, at+4, "right", fmt.Sprintf("1e%.0f", e))
		}
	}
	for step := 0; step < r.Steps; step += roundStep(r.Steps) {
		p.label(min(x(step), width-right-16), height-foot+18, "middle", fmt.Sprint(step))
	}
	p.label((left+width-right)/2, height-4, "middle", "step")
	if r.RMS > 0 {
		p.add(`<path d="M%d %.1fH%d" class="level"/>`, left, y(r.RMS), width-right)
	}
	for _, s := range series {
		p.WriteString(`<path class="line ` + s.Name + `" d="`)
		for i, v := range worstOfGroups(s.Step) {
			fmt.Fprintf(&p.Builder, "%c%.1f %.1f", "ML"[min(i, 1)], x(i*groupOf(len(s.Step))), y(v))
		}
		p.add(`"/>`)
		p.add(`<circle cx="%.1f" cy="%.1f" r="4" class="worst %s"/>`, x(s.Worst), y(s.Max), s.Name)
	}
	return p.html()
}

// roundStep is how far the numbers under an axis of n steps are apart, at most seven of them.
func roundStep(n int) int {
	for ten := 1; ; ten *= 10 {
		for _, d := range []int{1, 2, 5} {
			if (n-1)/(d*ten) < 7 {
				return d * ten
			}
		}
	}
}

// groupOf is how many steps are one point of a line.
func groupOf(steps int) int { return (steps + 359) / 360 }

func worstOfGroups(v []float64) (worst []float64) {
	for i := 0; i < len(v); i += groupOf(len(v)) {
		worst = append(worst, slices.Max(v[i:min(i+groupOf(len(v)), len(v))]))
	}
	return worst
}

// A grid is the weights of one layer, a histogram for each gate of each matrix.
type grid struct {
	Name  string
	Cells []cell
}

type cell struct {
	Name, Range string
	SVG         template.HTML
}

// maxCells and maxCellWeights bound the histograms and what one looks at.
const (
	maxCells       = 96
	maxCellWeights = 1 << 20
)

func histograms(m *format.Model) (grids []grid) {
	n := 0
	for _, l := range m.Layers {
		var gates []string
		switch l := l.(type) {
		case *format.LSTM:
			gates = []string{"input", "forget", "candidate", "output"}
			if l.Coupled {
				gates = []string{"input", "candidate", "output"}
			}
		case *format.GRU:
			gates = []string{"reset", "update", "candidate"}
		}
		g := grid{Name: l.LayerName()}
		for _, id := range format.FieldsOf(l).Tensors {
			t := m.Tensor(id)
			if t.Layout == format.Vector {
				continue
			}
			name, w := t.Name[strings.LastIndexByte(t.Name, '.')+1:], t.Matrix()
			of := gates
			if l, ok := l.(*format.GRU); ok && l.RN != format.None {
				switch id {
				case l.R:
					of = gates[:2]
				case l.RN:
					of = gates[2:]
				}
			}
			if l, ok := l.(*format.LSTM); ok && id == l.Proj || len(of) == 0 {
				of = []string{""}
			}
			for i, gate := range of {
				if n++; n > maxCells {
					return grids
				}
				part := w[len(w)/len(of)*i:][:len(w)/len(of)]
				g.Cells = append(g.Cells, histogram(strings.TrimSpace(short(name, 12)+" "+gate), part))
			}
		}
		if len(g.Cells) > 0 {
			grids = append(grids, g)
		}
	}
	return grids
}

func histogram(name string, w []float32) cell {
	const bins, width, height = 31, 155, 52
	limit := 0.0
	step := 1 + len(w)/maxCellWeights
	for i := 0; i < len(w); i += step {
		limit = max(limit, math.Abs(float64(w[i])))
	}
	var count [bins]int
	most := 1
	for i := 0; i < len(w); i += step {
		b := bins / 2
		if limit > 0 {
			b = int((float64(w[i])/limit + 1) / 2 * (bins - 1e-9))
		}
		count[b]++
		most = max(most, count[b])
	}
	var p picture
	p.add(`<svg viewBox="0 0 %d %d" class="histogram" aria-hidden="true"><path d="M0 %[2]dH%[1]d" class="rule"/>`, width, height)
	for b, n := range count {
		if n > 0 {
			h := max(1, float64(n)/float64(most)*(height-2))
			p.add(`<rect x="%d" y="%.1f" width="4" height="%.1f"/>`, 5*b, height-h, h)
		}
	}
	return cell{Name: name, Range: fmt.Sprintf("±%.3g", limit), SVG: p.html()}
}
