package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A dense is a dense layer, or without w a scale layer, that the ops after it may
// still become part of.
type dense struct {
	name    string
	x       format.Buffer
	w, bias []float32 // [n, width of x], nil for a scale layer; [n] or nil
	s       []float32 // scale layer: [n] or nil
	f       format.Activation
}

// add adds the layer to the program.
func (d *dense) add(b *format.Builder) format.Buffer {
	if d.w == nil {
		return b.Scale(d.name, d.x, d.s, d.bias)
	}
	return b.Dense(d.name, d.x, d.w, d.bias, d.f)
}

// product is a pending dense layer of x and weights [n, K], which it keeps.
func (t *translation) product(name string, x *tensor, shape []int, free []mark, w []float32) (*tensor, error) {
	width := product(shape)
	if width < 1 || width > format.MaxWidth {
		return nil, fmt.Errorf("found %d outputs, supported are 1 to %d", width, format.MaxWidth)
	}
	if err := t.spend(len(w) + width); err != nil {
		return nil, err
	}
	if x.kind == floats {
		return folded(shape, free, w, x)
	}
	if t.step != nil {
		return t.symbolic(shape, free, width, func() []cellmatch.Value { return t.step.Product(w, x.symbols()) })
	}
	buf, err := t.whole(name+".input", x)
	if err != nil {
		return nil, err
	}
	out := t.linear(shape, free, &dense{name: name, x: buf, w: w})
	out.last = x.last
	return out, nil
}

// folded is a product of constants, as of weights with a state of zeros.
func folded(shape []int, free []mark, w []float32, x *tensor) (*tensor, error) {
	if err := x.known(); err != nil {
		return nil, err
	}
	out := &tensor{shape: shape, free: free, f: make([]float32, len(w)/len(x.f))}
	for r := range out.f {
		var sum float64
		for k, v := range x.f {
			sum += float64(w[r*len(x.f)+k]) * float64(v)
		}
		out.f[r] = float32(sum)
	}
	return out, nil
}

// linear makes a pending layer a value.
func (t *translation) linear(shape []int, free []mark, d *dense) *tensor {
	return &tensor{shape: shape, free: free, kind: activation, refs: t.addSource(source{kind: computed, width: product(shape), dense: d})}
}

// pending returns the dense or scale layer whose outputs v is, all and in order, if it is
// still open and linear.
func (t *translation) pending(v *tensor) *dense {
	if len(v.refs) == 0 {
		return nil
	}
	id := v.refs[0].source
	d := t.sources[id].dense
	if d == nil || d.f != format.Linear || len(v.refs) != t.sources[id].width {
		return nil
	}
	for k, r := range v.refs {
		if r != (ref{id, int32(k)}) {
			return nil
		}
	}
	return d
}

// transposed turns [K, N] into [N, K].
func transposed(w []float32, K, N int) []float32 {
	out := make([]float32, len(w))
	for k := range K {
		for j := range N {
			out[j*K+k] = w[k*N+j]
		}
	}
	return out
}

// gemm translates Gemm: α·A·B + β·C, with B constant.
func (t *translation) gemm(n *nodeProto) error {
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	B, err := t.parameter(n, 1, "B")
	if err != nil {
		return err
	}
	if len(B.shape) != 2 || len(x.shape) != 2 {
		return fmt.Errorf("found matrices of shapes %v and %v", x.shape, B.shape)
	}
	row := 0 // the dimension of A that is not the features
	if n.integer("transA", 0) != 0 {
		row = 1
	}
	K, N, w := B.shape[0], B.shape[1], B.f
	if n.integer("transB", 0) != 0 {
		K, N, w = N, K, slices.Clone(w)
	} else {
		if err := t.spend(len(w)); err != nil {
			return err
		}
		w = transposed(w, K, N)
	}
	if x.shape[row] != 1 || x.shape[1-row] != K || x.free[1-row] != 0 {
		return fmt.Errorf("found a value of shape %v at one time step, expected %d features for B of shape %v", x.shape, K, B.shape)
	}
	name := n.layerName()
	out, err := t.product(name, x, []int{1, N}, []mark{x.free[row], 0}, w)
	if err != nil {
		return err
	}
	if alpha := n.setting(setting{"alpha", 1}); alpha != 1 {
		if out, err = t.affine(name+".alpha", out, repeated(alpha, N), nil); err != nil {
			return err
		}
	}
	C, err := t.value(n, 2)
	if err != nil {
		return err
	}
	if C != nil {
		if beta := n.setting(setting{"beta", 1}); beta != 1 {
			if C, err = t.combine("Mul", name+".beta", C, &tensor{shape: []int{}, free: []mark{}, f: []float32{beta}}); err != nil {
				return err
			}
		}
		if out, err = t.combine("Add", name+".bias", out, C); err != nil {
			return err
		}
		if !slices.Equal(out.shape, []int{1, N}) {
			return fmt.Errorf("found C of shape %v, expected [%d]", C.shape, N)
		}
	}
	t.set(n, 0, out)
	return nil
}

// matMul translates MatMul of a value with a constant matrix on either side.
func (t *translation) matMul(n *nodeProto) error {
	x, err := t.must(n, 0)
	if err != nil {
		return err
	}
	m, err := t.must(n, 1)
	if err != nil {
		return err
	}
	left := x.constant() && !m.constant()
	if left {
		x, m = m, x
	}
	if x.kind == ints || m.kind != floats {
		return errors.New("found a product that is not of a computed value and constant floats, supported is that")
	}
	if err := m.known(); err != nil {
		return err
	}
	if d := len(m.shape) - 2; d < 0 || product(m.shape[:d]) != 1 {
		return fmt.Errorf("found a constant of shape %v, supported are matrices", m.shape)
	}
	rank := len(x.shape)
	if rank < 2 && left || rank < 1 || rank < len(m.shape) {
		return fmt.Errorf("found a value of shape %v with a constant of shape %v", x.shape, m.shape)
	}
	// x is [..., features], or on the right of a constant [..., features, 1].
	d, K, N := rank-1, m.shape[len(m.shape)-2], m.shape[len(m.shape)-1]
	if left {
		d, K, N = rank-2, N, K
	}
	if x.shape[d] != K || x.size() != K || x.free[d] != 0 {
		return fmt.Errorf("found a value of shape %v at one time step, expected %d features for a constant of shape %v", x.shape, K, m.shape)
	}
	if err := t.spend(len(m.f)); err != nil {
		return err
	}
	w := m.f
	if left {
		w = slices.Clone(w)
	} else {
		w = transposed(w, K, N)
	}
	shape := slices.Clone(x.shape)
	shape[d] = N
	out, err := t.product(n.layerName(), x, shape, x.free, w)
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}

// embedding translates a Gather whose index is the input.
func (t *translation) embedding(n *nodeProto, table, index *tensor, d int) error {
	table, quantised, err := t.quantisedTable(n, table)
	if err != nil {
		return err
	}
	if table.kind != floats || len(table.shape) != 2 || d != 0 || len(table.f) == 0 {
		return fmt.Errorf("found a look-up by a computed index in a value of shape %v along axis %d, supported is a constant table [vocabulary, features]", table.shape, d)
	}
	if t.step != nil {
		return errors.New("found a look-up inside a step")
	}
	if len(index.refs) != 1 {
		return fmt.Errorf("found %d indices at one time step, supported is 1", len(index.refs))
	}
	s := &t.sources[index.refs[0].source]
	if s.kind != fromInput || s.width != 1 || !s.token {
		return errors.New("found a computed index, supported is the model's integer input")
	}
	if err := t.bind(s, true); err != nil {
		return err
	}
	if err := t.spend(len(table.f)); err != nil {
		return err
	}
	dim := table.shape[1]
	b := t.builder.Embedding(n.layerName(), table.f, dim)
	out := t.computed(append(slices.Clone(index.shape), dim), append(slices.Clone(index.free), 0), b)
	out.last, out.quantised = index.last, quantised
	t.set(n, 0, out)
	return nil
}
