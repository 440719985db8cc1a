package keras

import (
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// A cell is what a recurrent layer computes at a step.
type cell struct {
	kind       string // "SimpleRNN", "LSTM" or "GRU"
	cudnn      bool
	units      int
	activation format.Function
	gate       format.Function
	bias       bool
	resetAfter bool // of a GRU
}

// gates is how many parts the kernels of a cell have.
func (c *cell) gates() int { return map[string]int{"SimpleRNN": 1, "GRU": 3, "LSTM": 4}[c.kind] }

// cellKinds are the classes of recurrent layers and cells.
var cellKinds = map[string]string{
	"SimpleRNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU", "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU",
	"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU", "LSTMV2": "LSTM", "GRUV2": "GRU",
}

// cell reads the fields of a cell.
func (t *translation) cell(l *layer, f *fields) (*cell, error) {
	c := &cell{kind: cellKinds[l.class], cudnn: l.class == "CuDNNLSTM" || l.class == "CuDNNGRU"}
	if c.kind == "" {
		return nil, fmt.Errorf("has a cell of class %.80q, supported are SimpleRNNCell, LSTMCell and GRUCell", l.class)
	}
	var err error
	if c.units, err = f.size(format.MaxWidth, "units", "output_dim"); err != nil {
		return nil, err
	}
	c.bias = f.flag("use_bias", true)
	c.activation, c.gate = functions["tanh"], functions["sigmoid"]
	if c.cudnn {
		c.resetAfter = true
		return c, nil
	}
	if c.activation, err = t.cellFunction(f, "activation", "tanh"); err != nil {
		return nil, err
	}
	if c.kind == "SimpleRNN" {
		return c, nil
	}
	key, otherwise := "recurrent_activation", "sigmoid"
	if t.version.major == 1 {
		key = "inner_activation"
	}
	if t.version.major < 2 || t.version.major == 2 && t.version.minor < 3 {
		otherwise = "hard_sigmoid"
	}
	if f.config[key] == nil && t.version.tensorflow {
		return nil, fmt.Errorf("has no %s, and the default was hard_sigmoid in some versions and sigmoid in others; add it to the configuration", key)
	}
	if c.gate, err = t.cellFunction(f, key, otherwise); err != nil {
		return nil, err
	}
	if c.kind == "GRU" {
		c.resetAfter = f.flag("reset_after", t.version.major >= 3)
	}
	return c, nil
}

// weights takes the arrays of a cell from the front of a list.
func (c *cell) weights(list *[]array, inputs int) (w format.Weights, err error) {
	need := 2
	if c.bias {
		need = 3
	}
	if len(*list) < need {
		found := fmt.Sprintf("only %d arrays of", len(*list))
		if len(*list) == 0 {
			found = "no"
		}
		return w, fmt.Errorf("has %s weights in the file, expected kernel, recurrent_kernel and bias", found)
	}
	arrays := (*list)[:need]
	*list = (*list)[need:]
	H, n := c.units, c.gates()
	kernel, err := arrays[0].of("kernel", inputs, n*H)
	if err != nil {
		return w, err
	}
	recurrent, err := arrays[1].of("recurrent_kernel", H, n*H)
	if err != nil {
		return w, err
	}
	order := map[string][]int{"SimpleRNN": {0}, "LSTM": {0, 1, 2, 3}, "GRU": {1, 0, 2}}[c.kind]
	transposed := true
	if c.bias {
		var bias []float32
		shape := arrays[2].shape
		size := n * H
		switch {
		case n > 1 && slices.Equal(shape, []int{2 * size}): // as cuDNN has them
			transposed = false
			if bias, err = arrays[2].of("bias", 2*size); err != nil {
				return w, err
			}
			w.B, w.BR = gatesOf(bias[:size], order), gatesOf(bias[size:], order)
		case c.kind == "GRU" && c.resetAfter:
			if bias, err = arrays[2].of("bias", 2, size); err != nil {
				return w, err
			}
			w.B, w.BR = gatesOf(bias[:size], order), gatesOf(bias[size:], order)
		default:
			if bias, err = arrays[2].of("bias", size); err != nil {
				return w, err
			}
			w.B = gatesOf(bias, order)
		}
		if w.BR != nil && c.kind == "GRU" && !c.resetAfter {
			return w, fmt.Errorf("has a bias of shape %v in the file, expected [%d] where reset_after is false", shape, size)
		}
		if w.BR != nil && c.kind == "LSTM" {
			for i := range w.B {
				w.B[i] = float32(float64(w.B[i]) + float64(w.BR[i]))
			}
			w.BR = nil
		}
	}
	if transposed {
		w.W = gatesOf(transpose(kernel, inputs, n*H), order)
		w.R = gatesOf(transpose(recurrent, H, n*H), order)
		return w, nil
	}
	// Each gate's block of the kernel is a matrix [units, inputs] in other clothes, and of
	// the recurrent kernel one that is transposed already.
	w.W = gatesOf(blocks(kernel, inputs, n, H), order)
	w.R = gatesOf(blocks(recurrent, H, n, H), order)
	return w, nil
}

// transpose turns a kernel [inputs, rows] into rows.
func transpose(k []float32, inputs, rows int) []float32 {
	w := make([]float32, len(k))
	for i := range inputs {
		for r := range rows {
			w[r*inputs+i] = k[i*rows+r]
		}
	}
	return w
}

// blocks puts the n blocks of a matrix [rows, n·width], which lie side by side, one
// after the other.
func blocks(k []float32, rows, n, width int) []float32 {
	w := make([]float32, 0, len(k))
	for b := range n {
		for r := range rows {
			w = append(w, k[(r*n+b)*width:][:width]...)
		}
	}
	return w
}

// gatesOf puts gates, of which there are as many as in order, into this order.
func gatesOf(v []float32, order []int) []float32 {
	n := len(v) / len(order)
	out := make([]float32, 0, len(v))
	for _, gate := range order {
		out = append(out, v[gate*n:][:n]...)
	}
	return out
}

// add adds the layer of a cell.
func (c *cell) add(b *format.Builder, name string, x format.Buffer, list *[]array) (format.Buffer, error) {
	w, err := c.weights(list, b.Width(x))
	if err != nil {
		return 0, err
	}
	switch {
	case c.kind == "LSTM":
		return b.LSTM(name, x, w, format.WithFunctions(c.gate, c.activation, c.activation)), nil
	case c.kind == "SimpleRNN":
		return b.RNN(name, x, w, format.Tanh, format.WithFunctions(c.activation)), nil
	case c.resetAfter:
		return b.GRU(name, x, w, format.WithFunctions(c.gate, c.activation)), nil
	}
	return b.GRUBefore(name, x, w, format.WithFunctions(c.gate, c.activation)), nil
}

// only returns the configuration of a layer or cell inside l.
func (l *layer) only(key string) (*layer, error) {
	if inner := l.inner[key]; inner != nil {
		return inner, nil
	}
	inner, err := (&parser{left: maxLayers}).layer(l.config[key])
	if err != nil {
		return nil, fmt.Errorf("%s: its %s: %w", l.title(), key, err)
	}
	if l.inner == nil {
		l.inner = map[string]*layer{}
	}
	l.inner[key] = inner
	return inner, nil
}

// cells returns the cells of a StackedRNNCells.
func (l *layer) cells() (list []*layer, err error) {
	if l.stack != nil {
		return l.stack, nil
	}
	all, _ := l.config["cells"].([]any)
	if len(all) > maxLayers {
		return nil, fmt.Errorf("%s has %d cells, supported are up to %d", l.title(), len(all), maxLayers)
	}
	for _, e := range all {
		c, err := (&parser{left: 1}).layer(e)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	l.stack = list
	return list, nil
}
