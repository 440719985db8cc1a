package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// addInput makes a graph input a source. Of the model's input only the last
// dimension, the features, counts; time and batch are 1.
func (t *translation) addInput(in *valueProto) error {
	v := &tensor{kind: activation}
	s := source{kind: fromInput, name: in.name}
	switch in.elem {
	case typeFloat, typeFloat16, typeDouble:
		s.token = !t.asFloats[in.name] // as Keras' tokens are: floats that become integers
	case typeInt32, typeInt64:
		s.token = true
	default:
		return fmt.Errorf("found element type %d, supported are floats and integers", in.elem)
	}
	if !in.hasShape {
		return errors.New("found no shape, expected one with a fixed number of features")
	}
	state, length := t.stateIn[in.name], t.lengthIn[in.name]
	streams, alone := t.streams[in.name]
	if length {
		t.note("input %q is the length of a padded sequence: it is for Session.RunLength, and counts for the whole model", in.name)
	}
	for k, d := range in.dims {
		features := !state && !s.token && k == in.features()
		if features && d < 1 {
			return fmt.Errorf("found shape %v with -1 for what is dynamic, expected a fixed number of features in the last dimension", in.dims)
		}
		forced := d < 1 || (d > 1 && !features && (!state || alone && k == streams))
		var m mark
		if forced {
			m = 1 << k
			if state || length {
				m = elsewhere
			}
		}
		if forced && d > 1 && !length {
			if len(in.dims) > 3 {
				return fmt.Errorf("found the fixed shape %v, supported are time, batch and features, and states of RNN, GRU and LSTM nodes; a cell that is written out as MatMul, Sigmoid and Tanh is not seen as one", in.dims)
			}
			t.note("input %q: dimension %d of %d was taken as 1, a time step of one stream", in.name, k, d)
			t.steps[m] = d
		}
		if forced {
			d = 1
		}
		if d > format.MaxWidth {
			return fmt.Errorf("found shape %v, supported are up to %d elements", in.dims, format.MaxWidth)
		}
		v.shape, v.free = append(v.shape, int(d)), append(v.free, m)
	}
	n, err := checked(v.shape)
	if err != nil {
		return err
	}
	if n > format.MaxWidth {
		return fmt.Errorf("found %d elements, supported are up to %d", n, format.MaxWidth)
	}
	if err := t.spend(n); err != nil {
		return err
	}
	s.width = n
	v.refs = t.addSource(s)
	t.values[in.name] = v
	return nil
}

// features is the dimension of an input that holds the features: the last one, or
// before a dynamic one the only one that is fixed, as in [batch, features, time].
func (in *valueProto) features() int {
	last := len(in.dims) - 1
	if last < 0 || in.dims[last] > 0 {
		return last
	}
	fixed := -1
	for k, d := range in.dims {
		if d > 1 && fixed >= 0 {
			return last
		}
		if d > 1 {
			fixed = k
		}
	}
	if fixed < 0 {
		return last
	}
	return fixed
}

// takes reports whether v is what an input says it is, as far as it says so; a state
// may be that of one stream.
func (in *valueProto) takes(v *tensor) bool {
	switch in.elem {
	case typeFloat, typeFloat16, typeDouble:
		if v.kind != floats {
			return false
		}
	case typeInt32, typeInt64, typeBool:
		if v.kind != ints {
			return false
		}
	}
	return !in.hasShape || slices.EqualFunc(in.dims, v.shape, func(want int64, d int) bool { return want < 0 || d == 1 || want == int64(d) })
}
