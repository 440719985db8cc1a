package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// A graph is a model as onnxruntime_int8.py and ncnn_int8.py read it: its layers in order
// over numbered buffers, its arrays row-major, the data it runs on and what it should give.
type graph struct {
	Name   string      `json:"name"`
	Inputs int         `json:"inputs"` // 0: a token
	Output int         `json:"output"`
	Layers []node      `json:"layers"`
	X      []float32   `json:"x"`
	Y      [][]float64 `json:"y"`
}

type node struct {
	Op     string           `json:"op"`
	X      []format.Buffer  `json:"x"`
	Y      format.Buffer    `json:"y"`
	Widths []int            `json:"widths"`          // of X, then Y
	F      string           `json:"f,omitempty"`     // of a dense layer, or a GRU's candidate
	Reset  string           `json:"reset,omitempty"` // of a GRU: before the recurrent product, or after
	Arrays map[string]array `json:"arrays,omitempty"`
}

type array struct {
	Rows int       `json:"rows"`
	Cols int       `json:"cols"`
	V    []float32 `json:"v"`
}

// dump writes a model into a folder, or says why it cannot.
func dump(folder, name string, m *format.Model, x []float32, want []float64) error {
	g := graph{Name: name, Inputs: m.InputSize(), Output: int(m.Output), X: x}
	if m.Vocabulary() > 0 {
		g.Inputs = 0
	}
	for O := m.OutputSize(); len(want) > 0; want = want[O:] {
		g.Y = append(g.Y, want[:O])
	}
	for _, l := range m.Layers {
		n := node{Op: l.Op().String(), Arrays: map[string]array{}}
		add := func(name string, id format.TensorID) {
			if t := m.Tensor(id); t != nil {
				n.Arrays[name] = array{t.Rows, t.Cols, t.Matrix()[:t.Rows*t.Cols]}
			}
		}
		initial := func(name string, s format.StateID) { add(name, m.States[s].Init) }
		switch l := l.(type) {
		case *format.Dense:
			n.X, n.Y, n.F = []format.Buffer{l.X}, l.Y, l.F.String()
			add("W", l.W)
			add("B", l.B)
		case *format.LSTM:
			plain := l.Gate.Kind == format.Sigmoid && l.Candidate.Kind == format.Tanh && l.Output.Kind == format.Tanh
			if !plain || l.Coupled || l.P != format.None || l.Norm != format.None || l.Proj != format.None || l.Clip != 0 || l.CellClip != 0 {
				return fmt.Errorf("%s: layer %s is no plain LSTM", name, l.Name)
			}
			n.X, n.Y = []format.Buffer{l.X}, l.Y
			add("W", l.W)
			add("R", l.R)
			add("B", l.B)
			initial("H", l.H)
			initial("C", l.C)
		case *format.GRU:
			if l.Gate.Kind != format.Sigmoid || l.Clip != 0 {
				return fmt.Errorf("%s: layer %s is no plain GRU", name, l.Name)
			}
			n.X, n.Y, n.F, n.Reset = []format.Buffer{l.X}, l.Y, l.Candidate.String(), "after"
			if l.RN != format.None {
				n.Reset = "before"
			}
			add("W", l.W)
			add("R", l.R)
			add("B", l.B)
			add("BR", l.BR)
			add("RN", l.RN)
			initial("H", l.H)
		case *format.Embedding:
			n.X, n.Y = []format.Buffer{l.X}, l.Y
			add("W", l.Table)
		case *format.Add:
			n.X, n.Y = []format.Buffer{l.A, l.B}, l.Y
		case *format.Concat:
			n.X, n.Y = l.Xs, l.Y
		default:
			fmt.Fprintf(os.Stderr, "not dumped: %s has a %v layer\n", name, l.Op())
			return nil
		}
		for _, b := range append(slices.Clone(n.X), n.Y) {
			n.Widths = append(n.Widths, m.Buffers[b])
		}
		g.Layers = append(g.Layers, n)
	}
	text, err := json.Marshal(g)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "_")+".json"), text, 0o644)
}
