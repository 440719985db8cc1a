package rtneural

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/rnnedge/rnnedge/tools/convert/internal/assemble"
	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/numbers"
)

// StateDictFormat is what the other source is called: a PyTorch state_dict as JSON, which
// RTNeural loads by the names of its tensors.
const StateDictFormat = "PyTorch state_dict as JSON"

// SniffStateDict reports whether data looks like a state_dict with a recurrent layer.
func SniffStateDict(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && bytes.Contains(data, []byte("weight_hh"))
}

// ReadStateDict reads the tensors of a state_dict, an object of arrays of numbers, in the
// order of the file. If they can be what RTNeural's own examples are, LSTMs and GRUs in
// that order and a dense layer at the end, the checkpoint says so and Skipped that it is
// taken for that. Errors name the file and the tensor.
func ReadStateDict(file string, data []byte) (*checkpoint.Checkpoint, error) {
	c := &checkpoint.Checkpoint{File: file, Format: StateDictFormat, Meta: map[string]string{}}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%s: not an object in JSON", file)
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		name, _ := t.(string) // a key always is
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("%s: %.80q: %w", file, name, err)
		}
		if seen[name] {
			return nil, fmt.Errorf("%s: two tensors are named %.80q", file, name)
		}
		if len(seen) == checkpoint.MaxTensors {
			return nil, fmt.Errorf("%s: more than %d tensors", file, checkpoint.MaxTensors)
		}
		seen[name] = true
		values, shape, err := numbers.Array(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %.80q is no array of numbers: %w", file, name, err)
		}
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name, Shape: shape, Data: values, DType: "float32"})
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if d.More() {
		return nil, fmt.Errorf("%s: goes on after its object, at offset %d", file, d.InputOffset())
	}
	c.Unwrap()
	if c.Spec = assemble.InOrder(c); c.Spec != nil {
		c.Skipped = append(c.Skipped, "the layers are taken to run in the order of the file, a dense layer without an activation; a spec can say otherwise")
	}
	return c, nil
}
