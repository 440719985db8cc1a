package assemble

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// gates is the ratio of rows to units of weight_hh: what tells the cells apart.
var gates = map[string]int{"rnn": 1, "gru": 3, "lstm": 4}

func kindOf(ratio int) string {
	for kind, n := range gates {
		if n == ratio {
			return kind
		}
	}
	return ""
}

// stack adds all layers of a recurrent module.
func (a *assembly) stack(name string, l *spec.Layer, x format.Buffer) (format.Buffer, error) {
	suffixes := a.suffixes(l)
	direction, err := a.direction(l, suffixes[0])
	if err != nil {
		return 0, err
	}
	for i, s := range suffixes {
		switch direction {
		case "forward":
			x, err = a.cell(name+s, l, s, x)
		case "reverse":
			x, err = a.backward(name+s, l, s, x)
		case "bidirectional":
			merge := "concat" // what every layer but the last does
			if i == len(suffixes)-1 && l.Merge != "" {
				merge = l.Merge
			}
			x, err = a.bothWays(name+s, l, s, x, merge)
		}
		if err != nil {
			return 0, err
		}
	}
	return x, nil
}

// suffixes are those of the tensors of each layer: _l0, _l1 and so on, or nothing for
// nn.LSTMCell and its like.
func (a *assembly) suffixes(l *spec.Layer) []string {
	if a.lookup(l, "weight_hh") != nil {
		return []string{""}
	}
	list := []string{"_l0"}
	for {
		s := fmt.Sprintf("_l%d", len(list))
		if a.lookup(l, "weight_hh"+s) == nil {
			return list
		}
		list = append(list, s)
	}
}

// direction is the way that a module runs: both if it has tensors for both, else
// what the spec says, since a module for one way looks the same for either.
func (a *assembly) direction(l *spec.Layer, suffix string) (string, error) {
	there := a.lookup(l, "weight_hh"+suffix+"_reverse") != nil
	reverse := a.tensorName(l, "weight_hh"+suffix+"_reverse")
	switch {
	case l.Direction == "bidirectional" && !there:
		return "", fmt.Errorf("direction is bidirectional, but %s has no tensor %q; want forward or reverse", a.checkpoint.File, reverse)
	case l.Direction != "" && l.Direction != "bidirectional" && there:
		return "", fmt.Errorf("direction is %s, but %s has the tensor %q of a layer that runs both ways; want bidirectional, or leave it out", l.Direction, a.checkpoint.File, reverse)
	case there:
		return "bidirectional", nil
	case l.Merge != "":
		return "", fmt.Errorf("merge is for a layer that runs both ways, but %s has no tensor %q; leave it out", a.checkpoint.File, reverse)
	case l.Direction == "reverse":
		return "reverse", nil
	}
	return "forward", nil
}

// bothWays adds one bidirectional layer.
func (a *assembly) bothWays(name string, l *spec.Layer, suffix string, x format.Buffer, merge string) (format.Buffer, error) {
	forward, err := a.cell(name, l, suffix, x)
	if err != nil {
		return 0, err
	}
	backward, err := a.backward(name+"_reverse", l, suffix+"_reverse", x)
	if err != nil {
		return 0, err
	}
	if f, b := a.b.Width(forward), a.b.Width(backward); f != b && merge != "concat" {
		return 0, fmt.Errorf("merge is %s, but the two ways have %d and %d floats; want the same, or concat", merge, f, b)
	}
	name += "." + merge
	switch merge {
	case "sum":
		return a.b.Add(name, forward, backward), nil
	case "mul":
		return a.b.Mul(name, forward, backward), nil
	case "average":
		half := make([]float32, a.b.Width(forward))
		for i := range half {
			half[i] = 0.5
		}
		return a.b.Scale(name, a.b.Add(name+".sum", forward, backward), half, nil), nil
	}
	return a.b.Concat(name, forward, backward), nil
}

// backward adds one layer that runs from the end of the sequence to its start; its
// outputs are in the order of the sequence.
func (a *assembly) backward(name string, l *spec.Layer, suffix string, x format.Buffer) (format.Buffer, error) {
	y, err := a.cell(name, l, suffix, a.b.Reverse(name+".turn", x))
	if err != nil {
		return 0, err
	}
	return a.b.Reverse(name+".turn back", y), nil
}

// cell adds one layer with the tensors of this suffix.
func (a *assembly) cell(name string, l *spec.Layer, suffix string, x format.Buffer) (format.Buffer, error) {
	w, err := a.weights(l, suffix, x)
	if err != nil {
		return 0, err
	}
	switch l.Kind {
	case "lstm":
		return a.b.LSTM(name, x, w), nil
	case "gru":
		if a.spec.Layout == "keras" {
			return a.kerasGRU(name, l, x, w)
		}
		return a.b.GRU(name, x, w), nil
	}
	f := l.Activation
	if own := a.source(l).Nonlinearity; f == nil && own != "" {
		f = &format.Function{Kind: map[string]format.Activation{"tanh": format.Tanh, "relu": format.Relu}[own]}
	}
	if f != nil && (f.Kind == format.Tanh || f.Kind == format.Relu) {
		return a.b.RNN(name, x, w, f.Kind), nil
	}
	said := ""
	if l.Activation != nil {
		said = l.Activation.String()
	}
	return 0, fmt.Errorf("activation is %q, want tanh or relu (the nonlinearity of nn.RNN, which its tensors do not tell)", said)
}

// weights reads the tensors of one layer in one direction.
func (a *assembly) weights(l *spec.Layer, suffix string, x format.Buffer) (w format.Weights, err error) {
	hh, err := a.matrix(l, "weight_hh"+suffix)
	if err != nil {
		return w, err
	}
	n, rows := gates[l.Kind], hh.Shape[0]
	hr := a.lookup(l, "weight_hr"+suffix)
	if hr == nil {
		if err := square(hh, n); err != nil {
			return w, err
		}
	} else if w.Proj, err = a.projection(l, suffix, hh); err != nil {
		return w, err
	}
	ih, err := a.matrix(l, "weight_ih"+suffix)
	if err != nil {
		return w, err
	}
	if ih.Shape[0] != rows || ih.Shape[1] != a.b.Width(x) {
		return w, fmt.Errorf("tensor %q has shape %v, want [%d %d]", ih.Name, ih.Shape, rows, a.b.Width(x))
	}
	w.W, w.R = ih.Data, hh.Data
	if w.B, err = a.vector(l, "bias_ih"+suffix, rows); err != nil {
		return w, err
	}
	second, err := a.vector(l, "bias_hh"+suffix, rows)
	if err != nil {
		return w, err
	}
	if l.Kind == "gru" {
		w.BR = second
	} else {
		w.B = sum(w.B, second)
	}
	return w, nil
}

// square verifies that hh has n gates of as many units as the state it multiplies.
func square(hh *checkpoint.Tensor, n int) error {
	H := hh.Shape[1]
	if hh.Shape[0] == n*H {
		return nil
	}
	err := fmt.Errorf("tensor %q has shape %v, want [%d·H, H]", hh.Name, hh.Shape, n)
	if hh.Shape[0]%H == 0 && kindOf(hh.Shape[0]/H) != "" {
		err = fmt.Errorf("%w: these are the weights of kind %s", err, kindOf(hh.Shape[0]/H))
	}
	return err
}

// projection reads weight_hr, [P, H], of an LSTM whose weight_hh is [4H, P].
func (a *assembly) projection(l *spec.Layer, suffix string, hh *checkpoint.Tensor) ([]float32, error) {
	hr, err := a.matrix(l, "weight_hr"+suffix)
	if err != nil {
		return nil, err
	}
	if l.Kind != "lstm" {
		return nil, fmt.Errorf("tensor %q: a layer of kind %s has no projection; want kind lstm", hr.Name, l.Kind)
	}
	if P, H := hr.Shape[0], hr.Shape[1]; hh.Shape[0] != 4*H || hh.Shape[1] != P {
		return nil, fmt.Errorf("tensor %q has shape %v beside %v of %q, want [4·H, P] beside [P, H]", hh.Name, hh.Shape, hr.Shape, hr.Name)
	}
	return hr.Data, nil
}

// sum adds two biases with one rounding; nil is none.
func sum(a, b []float32) []float32 {
	if a == nil {
		return b
	}
	s := append([]float32(nil), a...)
	for i := range b {
		s[i] = float32(float64(a[i]) + float64(b[i]))
	}
	return s
}
