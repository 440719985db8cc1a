package keras

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ignored are fields of a layer that do not change what it computes from given weights
// and an input of one sequence; and so are those that end in what ignoredEndings has.
var (
	ignored = []string{
		"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_dtype", "seed",
		"build_config", "implementation", "consume_less", "unroll", "unit_forget_bias", "forget_bias_init",
		"init", "inner_init", "weights", "input_dim", "input_shape", "input_length", "momentum", "sparse", "ragged",
		"optional", "shared_object_id", "autocast", "dropout", "recurrent_dropout", "dropout_W", "dropout_U",
		"zero_output_for_mask", "synchronized", "kernel_constraint", "recurrent_constraint", "bias_constraint",
		"supports_masking", "time_distributed", "num_words",
	}
	ignoredEndings = []string{"_initializer", "_regularizer", "_constraint", "_init"}
)

// fields are the configuration of a layer, of which each that counts is taken once.
type fields struct {
	config map[string]any
	taken  map[string]bool
}

func (l *layer) fields() *fields { return &fields{l.config, map[string]bool{}} }

// take returns a field, nil if it is not there.
func (f *fields) take(key string) any {
	f.taken[key] = true
	v := f.config[key]
	// NumPy's numbers, as Keras 2 writes them.
	if m, ok := v.(map[string]any); ok && m["type"] == "ndarray" {
		return m["value"]
	}
	return v
}

// first returns the first of several fields that is there: it has had several names.
func (f *fields) first(keys ...string) (v any) {
	for _, k := range keys {
		if w := f.take(k); v == nil {
			v = w
		}
	}
	return v
}

func (f *fields) flag(key string, otherwise bool) bool {
	if v, ok := f.take(key).(bool); ok {
		return v
	}
	return otherwise
}

// number returns the first of several fields that is there.
func (f *fields) number(otherwise float64, keys ...string) (float64, error) {
	v := f.first(keys...)
	if v == nil {
		return otherwise, nil
	}
	x, ok := v.(float64)
	if !ok || math.Abs(x) > math.MaxFloat32 {
		return 0, fmt.Errorf("has the %s %s, expected a number", keys[0], brief(v))
	}
	return x, nil
}

// size returns a positive size.
func (f *fields) size(most int, keys ...string) (int, error) {
	v := f.first(keys...)
	n, ok := integer(v)
	if !ok || n < 1 || n > most {
		return 0, fmt.Errorf("has the %s %s, expected a size from 1 to %d", keys[0], brief(v), most)
	}
	return n, nil
}

// rest makes sure that nothing that may count is left: what is neither taken nor known
// to be without effect has to be absent or switched off.
func (f *fields) rest() error {
	var unknown []string
	for key, v := range f.config {
		if f.taken[key] || v == nil || v == false || slices.Contains(ignored, key) ||
			slices.ContainsFunc(ignoredEndings, func(e string) bool { return strings.HasSuffix(key, e) }) ||
			strings.HasPrefix(key, "W_") || strings.HasPrefix(key, "U_") || strings.HasPrefix(key, "b_") {
			continue
		}
		unknown = append(unknown, key)
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("has %.80q: %s, which is not supported", unknown[0], brief(f.config[unknown[0]]))
}

// precisions are the dtypes whose arithmetic is approximated by float32's.
var precisions = []string{"float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"}

// integers are the dtypes that an input may have besides: of tokens, above all.
var integers = []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}

// precision returns the dtype of a layer, "" where it says none.
func (l *layer) precision() (string, error) {
	name, _ := l.config["dtype"].(string)
	if l.class == "InputLayer" && slices.Contains(integers, name) {
		return "", nil
	}
	if policy, ok := l.config["dtype"].(map[string]any); ok {
		c, _ := policy["config"].(map[string]any)
		if name, _ = c["name"].(string); name == "" {
			return "", fmt.Errorf("has the dtype %s, supported are floats", brief(policy["class_name"]))
		}
	}
	if name != "" && !slices.Contains(precisions, name) {
		return "", fmt.Errorf("has the dtype %.80q, supported are floats", name)
	}
	return name, nil
}

// axis makes sure that a layer works along the features, the last of rank dimensions.
func (f *fields) axis(rank int) error {
	v := f.take("axis")
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	if n, ok := integer(v); v != nil && (!ok || n != -1 && n != rank-1) {
		return fmt.Errorf("has the axis %s of %d, supported is the last one, the features", brief(v), rank)
	}
	return nil
}
