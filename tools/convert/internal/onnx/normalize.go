package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/compose"
)

// features returns dimension a of v, which with those after it, or alone, has to be
// all features of the time step.
func (v *tensor) features(a int64, alone bool) (int, error) {
	d, err := axis(a, len(v.shape))
	if err != nil {
		return 0, err
	}
	end := len(v.shape)
	if alone {
		end = d + 1
	}
	if product(v.shape[d:end]) != v.size() || union(v.free[d:end]) != 0 {
		return 0, fmt.Errorf("found axis %d of a value of shape %v, supported are all features of a time step", a, v.shape)
	}
	return d, nil
}

// layerNormalization translates LayerNormalization, and what was recognised as one.
func (t *translation) layerNormalization(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	for k := 1; k < len(n.outputs); k++ {
		if t.uses[n.outputs[k]] > 0 {
			return fmt.Errorf("found the statistics %q in use, supported is the normalised value", n.outputs[k])
		}
	}
	d, err := v.features(n.integer("axis", -1), false)
	if err != nil {
		return err
	}
	// What was recognised is of one axis, and of groups of so many features.
	if n.integer("rank", int64(len(v.shape))) != int64(len(v.shape)) || (n.integer("one_axis", 0) != 0 && v.shape[d] != v.size()) || n.integer("features", int64(v.size())) != int64(v.size()) {
		return fmt.Errorf("found a layer normalisation of a part of a value of shape %v, supported are all features of a time step", v.shape)
	}
	epsilon := n.setting(setting{"epsilon", 1e-5})
	name := n.layerName()
	if v, err = t.layer(name, v, func(x format.Buffer) format.Buffer { return t.builder.Normalize(name, x, epsilon) }); err != nil {
		return err
	}
	for k, op := range []string{"Mul", "Add"} {
		if n.input(1+k) == "" {
			continue
		}
		c, err := t.parameter(n, 1+k, []string{"Scale", "B"}[k])
		if err != nil {
			return err
		}
		if v, err = t.withConstant(op, name+".scale", v, c, false); err != nil {
			return err
		}
	}
	t.set(n, 0, v)
	return nil
}

// batchNormalization translates BatchNormalization at inference: a scale and a
// shift for each channel, which are dimension 1.
func (t *translation) batchNormalization(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	if n.integer("training_mode", 0) != 0 {
		return errors.New("found training_mode 1, supported is inference")
	}
	for k := 1; k < len(n.outputs); k++ {
		if t.uses[n.outputs[k]] > 0 {
			return fmt.Errorf("found the statistics %q in use, supported is inference", n.outputs[k])
		}
	}
	if len(v.shape) < 2 || v.free[1] != 0 {
		return fmt.Errorf("found a value of shape %v at one time step without features in dimension 1", v.shape)
	}
	C := v.shape[1]
	var given [4][]float32 // scale, B, mean, variance
	for k := range given {
		c, err := t.parameter(n, 1+k, []string{"scale", "B", "input_mean", "input_var"}[k])
		if err != nil {
			return err
		}
		if len(c.f) != C {
			return fmt.Errorf("found %d numbers in %s for %d features", len(c.f), n.input(1+k), C)
		}
		given[k] = c.f
	}
	epsilon := float64(n.setting(setting{"epsilon", 1e-5}))
	shape := slices.Repeat([]int{1}, len(v.shape))
	shape[1] = C
	scale := &tensor{shape: shape, free: make([]mark, len(shape))}
	shift := scale.reshaped(shape, scale.free)
	if scale.f, shift.f, err = compose.BatchNorm(given[0], given[1], given[2], given[3], epsilon); err != nil {
		return fmt.Errorf("found numbers that cannot be: %w", err)
	}
	if v, err = t.withConstant("Mul", n.layerName(), v, scale, false); err != nil {
		return err
	}
	if v, err = t.withConstant("Add", n.layerName(), v, shift, false); err != nil {
		return err
	}
	t.set(n, 0, v)
	return nil
}

// softmax translates Softmax and LogSoftmax.
func (t *translation) softmax(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	flattens := t.opset < 13 // from the axis on
	otherwise := int64(-1)
	if flattens {
		otherwise = 1
	}
	if _, err := v.features(n.integer("axis", otherwise), !flattens); err != nil {
		return err
	}
	name := n.layerName()
	out, err := t.layer(name, v, func(x format.Buffer) format.Buffer {
		if n.op == "LogSoftmax" {
			return t.builder.LogSoftmax(name, x)
		}
		return t.builder.Softmax(name, x)
	})
	if err != nil {
		return err
	}
	t.set(n, 0, out)
	return nil
}
