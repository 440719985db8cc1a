package keras

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// Tensors reads the weights in data without their configuration, as tensors with the
// names, orientation and gate order that PyTorch has for such a layer, for a spec to
// connect: lstm.weight_ih_l0 for the kernel of the layer lstm. file stands for the source
// in messages. What no such layer has keeps its name and shape: above all a GRU that
// resets before the product, and convolutions of more than one step.
func Tensors(file string, data []byte) (*checkpoint.Checkpoint, error) {
	weights, c, err := open(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	list, err := everyLayer(weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	cp := &checkpoint.Checkpoint{File: file, Format: c.format() + " weights", Meta: map[string]string{}, Epsilon: 1e-3}
	t := newTranslation(c.version, len(data))
	for _, l := range list {
		if err := t.spend(l.arrays); err == nil {
			err = l.tensors(cp)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: layer %.80q %w", file, l.name, err)
		}
	}
	return cp, nil
}

// A weighted is a layer of which only the weights are known.
type weighted struct {
	name   string
	arrays []array
}

// everyLayer lists the layers of a file that have weights.
func everyLayer(f *hdf5.File) (list []weighted, err error) {
	root := f.Root()
	if root.Has("model_weights") {
		if root, err = root.Group("model_weights"); err != nil {
			return nil, err
		}
	}
	names, err := texts(root, "layer_names")
	if err != nil {
		return numberedLayers(root)
	}
	left, seen := newBudget(), map[string]bool{}
	if err := left.spend(len(names)); err != nil {
		return nil, err
	}
	for _, name := range names {
		if seen[name] {
			return nil, fmt.Errorf("has two layers named %.80q", name)
		}
		seen[name] = true
		g, err := root.Group(name)
		if err != nil {
			return nil, err
		}
		arrays, err := namedArrays(g, left)
		if err != nil {
			return nil, err
		}
		list = append(list, weighted{name, arrays})
	}
	return list, nil
}

// roles are the names of a layer's arrays by the class that its group is named for. Where
// fewer arrays are there, the last are missing, except of the layers in whole: those keep
// their numbers then.
var roles = map[string][]string{
	"dense": {"kernel", "bias"}, "conv1d": {"kernel", "bias"}, "embedding": {"embeddings"},
	"layer_normalization": {"gamma", "beta"}, "batch_normalization": {"gamma", "beta", "moving_mean", "moving_variance"},
	"lstm": cellRoles, "gru": cellRoles, "simple_rnn": cellRoles, "rnn": cellRoles, "bidirectional": slices.Repeat(cellRoles, 2),
	"time_distributed": {"kernel", "bias"},
}

var (
	cellRoles = []string{"kernel", "recurrent_kernel", "bias"}
	whole     = []string{"layer_normalization", "batch_normalization", "bidirectional"}
)

// numberedLayers is everyLayer of a file that numbers its arrays.
func numberedLayers(root *hdf5.Group) (list []weighted, err error) {
	left := newBudget()
	s, err := openNumbered(root, &model{}, left)
	if err != nil {
		return nil, err
	}
	layers := s.(numbered).group
	names, err := layers.Names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		g, err := layers.Group(name)
		if err != nil {
			return nil, err
		}
		class := strings.TrimRight(name, "0123456789")
		if class = strings.TrimSuffix(class, "_"); class == "conv" {
			class = "conv1d"
		}
		var arrays []array
		for _, part := range []string{"", "cell", "layer", "forward_layer/cell", "backward_layer/cell"} {
			if part != "" && !g.Has(part) {
				continue
			}
			at, err := g.Group(part)
			if err != nil {
				return nil, err
			}
			more, err := varsOf(at, left)
			if err != nil {
				return nil, err
			}
			arrays = append(arrays, more...)
		}
		r := roles[class]
		known := len(arrays) == len(r) || len(arrays) < len(r) && !slices.Contains(whole, class)
		for i := range arrays {
			arrays[i].name = strconv.Itoa(i)
			if known {
				arrays[i].name = r[i]
			}
		}
		list = append(list, weighted{name, arrays})
	}
	return list, nil
}

// tensors adds the tensors of a layer.
func (l weighted) tensors(c *checkpoint.Checkpoint) error {
	// What a layer is shows in the names of its arrays, of which each is there twice in one
	// that runs both ways.
	half := len(l.arrays)
	if both, ok := owners(l.arrays, way); ok { // which may lie in any order
		if len(both[0]) != len(both[1]) {
			return fmt.Errorf("has %d arrays of one direction and %d of the other", len(both[0]), len(both[1]))
		}
		l.arrays = slices.Concat(both[0], both[1])
		half /= 2
	} else if half%2 == 0 && half > 0 {
		if a, b := l.arrays[0], l.arrays[half/2]; a.name == "kernel" && b.name == "kernel" {
			half /= 2
		}
	}
	for at := 0; at < len(l.arrays); at += half {
		suffix := "_l0"
		if at > 0 {
			suffix += "_reverse"
		}
		if err := l.part(c, l.arrays[at:][:half], suffix); err != nil {
			return err
		}
	}
	return nil
}

// modern is the name that later versions have for an array of Keras 1, as output_W_1.
func (l weighted) modern(name string) string {
	old, found := strings.CutPrefix(name, l.name+"_")
	if !found {
		return name
	}
	old = strings.TrimRight(strings.TrimRight(old, "0123456789"), "_")
	to, ok := map[string]string{
		"W": "kernel", "U": "recurrent_kernel", "b": "bias", "gamma": "gamma", "beta": "beta",
		"running_mean": "moving_mean", "running_std": "moving_variance", // which is one
	}[old]
	if !ok {
		return name
	}
	return to
}

// part adds the tensors of a layer, or of one direction of it.
func (l weighted) part(c *checkpoint.Checkpoint, arrays []array, suffix string) error {
	byName := map[string]array{}
	for i, a := range arrays {
		arrays[i].name = l.modern(a.name)
		byName[arrays[i].name] = a
	}
	add := func(name string, shape []int, data []float32) {
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: l.name + "." + name, Shape: shape, Data: data, DType: "float32"})
	}
	kernel, recurrent := byName["kernel"], byName["recurrent_kernel"]
	if len(byName) == len(arrays) && recurrent.data != nil && len(recurrent.shape) == 2 && len(kernel.shape) == 2 {
		H := recurrent.shape[0]
		kind := map[int]string{H: "SimpleRNN", 3 * H: "GRU", 4 * H: "LSTM"}[recurrent.shape[1]]
		bias := byName["bias"]
		cell := &cell{kind: kind, units: H, bias: bias.data != nil, resetAfter: len(bias.shape) == 2 || len(bias.shape) == 1 && bias.shape[0] == 6*H}
		if kind == "" || H < 1 || H > format.MaxWidth {
			return fmt.Errorf("has a recurrent kernel of shape %v, expected [H, H], [H, 3·H] or [H, 4·H]", recurrent.shape)
		}
		if kind != "GRU" || cell.resetAfter {
			ordered := []array{kernel, recurrent}
			if cell.bias {
				ordered = append(ordered, bias)
			}
			w, err := cell.weights(&ordered, kernel.shape[0])
			if err != nil {
				return err
			}
			rows := recurrent.shape[1]
			add("weight_ih"+suffix, []int{rows, kernel.shape[0]}, w.W)
			add("weight_hh"+suffix, []int{rows, H}, w.R)
			if w.B != nil {
				add("bias_ih"+suffix, []int{rows}, w.B)
			}
			if w.BR != nil {
				add("bias_hh"+suffix, []int{rows}, w.BR)
			}
			if kind != "SimpleRNN" && suffix == "_l0" {
				c.Skipped = append(c.Skipped, fmt.Sprintf("layer %q was taken for a plain %s, with sigmoid and tanh: without a configuration nothing says otherwise", l.name, kind))
			}
			return nil
		}
		c.Skipped = append(c.Skipped, fmt.Sprintf("layer %q is a GRU that resets before the product, which a spec cannot say: give the configuration of model.to_json() with -spec", l.name))
	}
	for i, a := range arrays {
		v, err := a.of(a.name, a.shape...)
		if err != nil {
			return err
		}
		name, shape := a.name, a.shape
		if n := len(shape); name == "kernel" && recurrent.data == nil && (n == 2 || n == 3 && shape[0] == 1) {
			name, shape, v = "weight", []int{shape[n-1], shape[n-2]}, transpose(v, shape[n-2], shape[n-1])
		} else if to, ok := map[string]string{"embeddings": "weight", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}[name]; ok {
			name = to
		}
		if len(byName) != len(arrays) {
			name = fmt.Sprintf("%s.%d", name, i)
		}
		add(name, shape, v)
	}
	return nil
}
