package torch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
)

// The weights of this file's checkpoints are one vector w; what is not the
// state_dict holds vectors by other names.
var (
	weights   = pt.Ordered{"w", vector("0", 1)}
	others    = pt.Pairs{"other", vector("1", 1)}
	scalar    = view(store("FloatStorage", "0", 1), 0, pt.Tuple{}, pt.Tuple{})
	optimizer = pt.Pairs{
		"state", pt.Pairs{0, pt.Pairs{"step", scalar, "exp_avg", vector("1", 1)}},
		"param_groups", pt.List{pt.Pairs{"lr", 0.001, "params", pt.List{0}}},
	}
)

func TestChoose(t *testing.T) {
	for name, test := range map[string]struct {
		object  any
		meta    map[string]string
		skipped []string
	}{
		"flat": {object: weights},
		"nested, with optimizer": {
			object:  pt.Pairs{"epoch", 7, "optimizer", optimizer, "model", weights},
			meta:    map[string]string{"epoch": "7"},
			skipped: []string{"optimizer: optimizer state"},
		},
		"under an unusual key": {
			object: pt.Pairs{"generator", weights, "loss", 0.5},
			meta:   map[string]string{"loss": "0.5"},
		},
		"the usual key wins": {
			object:  pt.Pairs{"ema", others, "model_state_dict", weights, "mean", vector("1", 1)},
			skipped: []string{"ema: 1 tensors outside the state_dict", "the top level: 1 tensors outside the state_dict"},
		},
		"deeper": {
			object: pt.Pairs{"state", pt.Pairs{"net", weights}},
		},
		"the top level before unusual keys": {
			object:  pt.Pairs{"w", vector("0", 1), "extra", others},
			skipped: []string{"extra: 1 tensors outside the state_dict"},
		},
		"a scalar is no weight": {
			object:  pt.Pairs{"loss", scalar, "best", weights},
			skipped: []string{"the top level: 1 tensors outside the state_dict"},
		},
		"lists hold no state_dict": {
			object:  pt.Pairs{"history", pt.List{vector("1", 1)}, "params", weights},
			skipped: []string{"history: 1 tensors outside the state_dict"},
		},
		"metadata": {
			object: pt.Pairs{
				"net", weights, "none", nil, "on", true, "name", "char", "rate", 16000,
				"vocabulary", pt.List{"a", "b"}, "index", pt.Pairs{"a", 0, 1, "b"},
				"dtype", pt.Global{"torch", "float32"},
				"args", pt.New{Class: pt.Global{"argparse", "Namespace"}, State: pt.Pairs{"hidden", 64}},
				"score", pt.Call{Func: pt.Global{"numpy.core.multiarray", "scalar"}, Args: []any{nil, []byte("12345678")}},
				"blob", []byte("123"),
			},
			meta: map[string]string{
				"on": "true", "name": "char", "rate": "16000", "vocabulary.0": "a", "vocabulary.1": "b",
				"index.a": "0", "index.1": "b", "args.hidden": "64", "dtype": "torch.float32",
			},
			skipped: []string{"score: numpy.core.multiarray.scalar object", "blob: 3 bytes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := read(t, saved(t, test.object, "0", floats(3), "1", floats(4)))
			require.Len(t, c.Tensors, 1)
			require.Equal(t, "w", c.Tensors[0].Name)
			require.Equal(t, []float32{3}, c.Tensors[0].Data)
			if test.meta == nil {
				test.meta = map[string]string{}
			}
			require.Equal(t, test.meta, c.Meta)
			require.Equal(t, test.skipped, c.Skipped)
		})
	}
}

func TestChooseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		object any
		want   string
	}{
		"two unusual": {
			pt.Pairs{"encoder", weights, "decoder", others},
			`x.pt: holds 2 dicts of tensors, and none is clearly the state_dict: "encoder" (1 tensors), "decoder" (1 tensors); save the one to convert alone`},
		"two usual": {
			pt.Pairs{"model", weights, "net", others},
			`x.pt: holds 2 dicts of tensors, and none is clearly the state_dict: "model" (1 tensors), "net" (1 tensors); save the one to convert alone`},
		"no weights": {
			pt.Pairs{"epoch", 7, "optimizer", optimizer},
			`x.pt: holds no floating-point weights under names, expected a state_dict, found a dict with 2 keys ["epoch" "optimizer"]; save the weights alone with torch.save(model.state_dict(), "weights.pt")`},
		"a tensor": {
			vector("0", 1),
			`x.pt: holds a single tensor, expected a state_dict; save the weights alone with torch.save(model.state_dict(), "weights.pt")`},
		"a list": {
			pt.List{vector("0", 1)},
			`x.pt: holds a list, expected a state_dict; save the weights alone with torch.save(model.state_dict(), "weights.pt")`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := torch.Read("x.pt", saved(t, test.object, "0", floats(3), "1", floats(4)))
			require.EqualError(t, err, test.want)
		})
	}
}
