package assemble

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// gates is the ratio of rows to columns of weight_hh: what tells the cells apart.
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
func (a *assembly) stack(name string, l spec.Layer, x format.Buffer) (format.Buffer, error) {
	suffix := func(layer int) string { return fmt.Sprintf("_l%d", layer) }
	if a.checkpoint.Lookup(join(l.Prefix, "weight_hh")) != nil {
		suffix = func(int) string { return "" } // nn.LSTMCell and its like
	}
	for layer := 0; ; layer++ {
		s := suffix(layer)
		if layer > 0 && (s == "" || a.checkpoint.Lookup(join(l.Prefix, "weight_hh"+s)) == nil) {
			return x, nil
		}
		if err := a.supported(l.Prefix, s); err != nil {
			return 0, err
		}
		w, err := a.weights(l, s, x)
		if err != nil {
			return 0, err
		}
		layerName := name + s
		switch l.Kind {
		case "lstm":
			x = a.b.LSTM(layerName, x, w)
		case "gru":
			x = a.b.GRU(layerName, x, w)
		case "rnn":
			if l.Activation != "tanh" && l.Activation != "relu" {
				return 0, fmt.Errorf("activation is %q, want tanh or relu (the nonlinearity of nn.RNN, which its tensors do not tell)", l.Activation)
			}
			x = a.b.RNN(layerName, x, w, activations[l.Activation])
		}
	}
}

// supported refuses the forms of nn.LSTM and its like that are not built yet.
func (a *assembly) supported(prefix, suffix string) error {
	if t := a.checkpoint.Lookup(join(prefix, "weight_hh"+suffix+"_reverse")); t != nil {
		return fmt.Errorf("tensor %q: bidirectional layers are not supported; a stream has no end to run back from", t.Name)
	}
	if t := a.checkpoint.Lookup(join(prefix, "weight_hr"+suffix)); t != nil {
		return fmt.Errorf("tensor %q: projections (proj_size) are not supported", t.Name)
	}
	return nil
}

func (a *assembly) weights(l spec.Layer, suffix string, x format.Buffer) (w format.Weights, err error) {
	hh, err := a.matrix(l.Prefix, "weight_hh"+suffix)
	if err != nil {
		return w, err
	}
	H, n := hh.Shape[1], gates[l.Kind]
	if hh.Shape[0] != n*H {
		err = fmt.Errorf("tensor %q has shape %v, want [%d·H, H]", hh.Name, hh.Shape, n)
		if hh.Shape[0]%H == 0 && kindOf(hh.Shape[0]/H) != "" {
			err = fmt.Errorf("%w: these are the weights of kind %s", err, kindOf(hh.Shape[0]/H))
		}
		return w, err
	}
	ih, err := a.matrix(l.Prefix, "weight_ih"+suffix)
	if err != nil {
		return w, err
	}
	if ih.Shape[0] != n*H || ih.Shape[1] != a.b.Width(x) {
		return w, fmt.Errorf("tensor %q has shape %v, want [%d %d]", ih.Name, ih.Shape, n*H, a.b.Width(x))
	}
	w.W, w.R = ih.Data, hh.Data
	if w.B, err = a.vector(l.Prefix, "bias_ih"+suffix, n*H); err != nil {
		return w, err
	}
	second, err := a.vector(l.Prefix, "bias_hh"+suffix, n*H)
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
