// Package hub reads the config.json that lies beside weights as the Hugging Face hub has them:
// the arguments that a module was made with. It says nothing of how layers are connected, and
// what its entries are called is up to who wrote the module; these mean the same everywhere:
//
//	layer_norm_eps, layer_norm_epsilon   ε of layer normalisations
//	nonlinearity                         tanh or relu, of nn.RNN
//	sampling_rate, sample_rate           of what the model reads
//
// What a spec says counts more. Everything else is named, and not used.
package hub

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

// Name is what the file is called.
const Name = "config.json"

// MaxSize is more than the arguments of any module have.
const MaxSize = 1 << 20

// A Config is what the file says, the zero value what one says that is not there.
type Config struct {
	LayerEpsilon float32 // 0 for none
	Nonlinearity string
	SampleRate   string
	Notes        []string // what of it is used and what is not
}

// Apply makes it known of the modules that c's tensors come from, where c does not know better.
// A vector "weight" that stands alone or with a bias is that of a layer normalisation, if it
// is of a normalisation at all; what else it may be has no ε.
func (c Config) Apply(k *checkpoint.Checkpoint) {
	k.Skipped = append(k.Skipped, c.Notes...)
	if c.LayerEpsilon == 0 && c.Nonlinearity == "" {
		return
	}
	modules := make(map[string]checkpoint.Module, len(k.Modules))
	maps.Copy(modules, k.Modules)
	batch := map[string]bool{} // prefixes of batch normalisations
	for _, t := range k.Tensors {
		if prefix, role := split(t.Name); role == "running_mean" {
			batch[prefix] = true
		}
	}
	for _, t := range k.Tensors {
		prefix, role := split(t.Name)
		m := modules[prefix]
		switch {
		case m.Class != "":
		case role == "weight" && len(t.Shape) == 1 && !batch[prefix]:
			m.Epsilon = c.LayerEpsilon
		case strings.HasPrefix(role, "weight_hh") && len(t.Shape) == 2 && t.Shape[0] == t.Shape[1]:
			m.Nonlinearity = c.Nonlinearity
		}
		if m != (checkpoint.Module{}) {
			modules[prefix] = m
		}
	}
	k.Modules = modules
}

// split takes the last name off the prefix of a tensor's.
func split(name string) (prefix, role string) {
	dot := strings.LastIndexByte(name, '.')
	return name[:max(dot, 0)], name[dot+1:]
}

// Read reads the text of the file at path. What cannot be used is a note, never an error: the
// file may be for something else.
func Read(path string, text []byte) Config {
	var c Config
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil || all == nil {
		return Config{Notes: []string{fmt.Sprintf("%s, beside it, was not used: it is no object in JSON", path)}}
	}
	var taken, left []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if c.take(key, all[key]) {
			taken = append(taken, key)
		} else {
			left = append(left, key)
		}
	}
	if len(taken) > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s, beside it, says %s: used where a spec does not say it", path, list(taken)))
	}
	if len(left) > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s, beside it, says %s, too: not used, the tensors and the spec tell the rest", path, list(left)))
	}
	return c
}

// take keeps the entry, or reports that it cannot be used: of two names for one thing the
// second one.
func (c *Config) take(key string, raw json.RawMessage) bool {
	switch key {
	case "layer_norm_eps", "layer_norm_epsilon":
		v, ok := number(raw)
		if !ok || c.LayerEpsilon != 0 || float32(v) == 0 || v >= 1 {
			return false
		}
		c.LayerEpsilon = float32(v)
	case "nonlinearity":
		var s string
		if json.Unmarshal(raw, &s) != nil || s != "tanh" && s != "relu" {
			return false
		}
		c.Nonlinearity = s
	case "sampling_rate", "sample_rate":
		v, ok := number(raw)
		if !ok || c.SampleRate != "" {
			return false
		}
		c.SampleRate = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return false
	}
	return true
}

// number is one above 0.
func number(raw json.RawMessage) (float64, bool) {
	var v float64
	err := json.Unmarshal(raw, &v)
	return v, err == nil && v > 0 && v < math.MaxFloat32
}

// list writes keys, as many as somebody reads.
func list(keys []string) string {
	const most = 12
	var b []string
	for i, key := range keys {
		if i == most {
			b = append(b, fmt.Sprintf("… and %d more", len(keys)-most))
			break
		}
		b = append(b, fmt.Sprintf("%.40q", key))
	}
	return strings.Join(b, ", ")
}
