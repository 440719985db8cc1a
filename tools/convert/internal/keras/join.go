package keras

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// join adds a layer that reads several values.
func (t *translation) join(l *layer, name string, xs []value) (value, error) {
	f := l.fields()
	y := xs[0].as(0)
	bufs := make([]format.Buffer, len(xs))
	for i, x := range xs {
		if _, err := x.features(); err != nil {
			return x, err
		}
		if x.sequence != y.sequence || x.steps != 0 && y.steps != 0 && x.steps != y.steps {
			return x, fmt.Errorf("joins values of shapes %s and %s, supported are those of the same steps", xs[0].shape(), x.shape())
		}
		if l.class != "Concatenate" && x.dims[0] != y.dims[0] {
			return x, fmt.Errorf("joins values of shapes %s and %s, expected the same", xs[0].shape(), x.shape())
		}
		y.last = y.last || x.last
		if y.masked == "" {
			y.masked = x.masked
		}
		bufs[i] = t.read(x)
	}
	if len(xs) == 1 && l.class != "Concatenate" {
		return y, errors.New("joins one value, expected two or more")
	}
	if l.class == "Concatenate" {
		if err := f.axis(y.rank()); err != nil {
			return y, err
		}
	}
	if err := f.rest(); err != nil {
		return y, err
	}
	b := t.b()
	part := func(i int) string {
		if i == len(bufs)-1 && l.class != "Average" {
			return name
		}
		return fmt.Sprintf("%s.%d", name, i)
	}
	at := bufs[0]
	switch l.class {
	case "Concatenate":
		at = b.Concat(name, bufs...)
		y.dims = []int{b.Width(at)}
	case "Multiply":
		for i, x := range bufs[1:] {
			at = b.Mul(part(i+1), at, x)
		}
	case "Subtract":
		if len(bufs) != 2 {
			return y, fmt.Errorf("subtracts %d values, expected 2", len(bufs))
		}
		at = b.Add(name, at, b.Function(name+".negated", bufs[1], format.Function{Kind: format.Affine, Alpha: -1}))
	default:
		for i, x := range bufs[1:] {
			at = b.Add(part(i+1), at, x)
		}
		if l.class == "Average" {
			at = b.Function(name, at, format.Function{Kind: format.Affine, Alpha: 1 / float32(len(bufs))})
		}
	}
	return y.as(at), nil
}
