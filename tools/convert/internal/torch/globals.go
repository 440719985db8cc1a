package torch

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
)

// The functions that make tensors.
const (
	rebuildTensor             = "torch._utils._rebuild_tensor"
	rebuildTensorV2           = "torch._utils._rebuild_tensor_v2"
	rebuildTensorV3           = "torch._utils._rebuild_tensor_v3"
	rebuildParameter          = "torch._utils._rebuild_parameter"
	rebuildParameterWithState = "torch._utils._rebuild_parameter_with_state"
	rebuildFromType           = "torch._tensor._rebuild_from_type_v2"
)

// roles is the allow-list, beside storage classes and dtypes: what PyTorch
// writes for tensors, and what people keep beside them that is only data.
var roles = map[string]pickle.Role{
	rebuildTensor:             pickle.Callable,
	rebuildTensorV2:           pickle.Callable,
	rebuildTensorV3:           pickle.Callable,
	rebuildParameter:          pickle.Callable,
	rebuildParameterWithState: pickle.Callable,
	rebuildFromType:           pickle.Callable,

	"torch.Tensor":                 pickle.Name,
	"torch.nn.parameter.Parameter": pickle.Name,
	"torch.nn.parameter.Buffer":    pickle.Name,
	"torch.Size":                   pickle.Callable,
	"torch.device":                 pickle.Callable,

	"collections.OrderedDict": pickle.Mapping,
	"collections.defaultdict": pickle.Mapping,
	"collections.Counter":     pickle.Mapping,
	"argparse.Namespace":      pickle.Callable,
	"pathlib.PosixPath":       pickle.Callable,
	"pathlib.WindowsPath":     pickle.Callable,
	"_codecs.encode":          pickle.Callable, // bytes in protocol 2
	"builtins.set":            pickle.Callable,
	"builtins.complex":        pickle.Callable,
	"builtins.bytearray":      pickle.Callable,
	"builtins.dict":           pickle.Name, // factories of a defaultdict
	"builtins.list":           pickle.Name,
	"builtins.int":            pickle.Name,
	"builtins.float":          pickle.Name,

	"numpy.dtype":                         pickle.Callable,
	"numpy.ndarray":                       pickle.Name,
	"numpy.core.multiarray.scalar":        pickle.Callable,
	"numpy.core.multiarray._reconstruct":  pickle.Callable,
	"numpy._core.multiarray.scalar":       pickle.Callable,
	"numpy._core.multiarray._reconstruct": pickle.Callable,
}

// role is the allow-list as package pickle asks for it.
func role(module, name string) pickle.Role {
	if module == "__builtin__" { // Python 2
		module = "builtins"
	}
	if r, ok := roles[module+"."+name]; ok {
		return r
	}
	switch module {
	case "torch", "torch.cuda", "torch.storage":
		if _, ok := storageTypes[name]; ok {
			return pickle.Name
		}
	}
	if _, ok := dtypes[name]; ok && module == "torch" {
		return pickle.Name
	}
	return pickle.Refused
}

// advice is what to do about a file that holds more than weights.
const advice = `save the weights alone with torch.save(model.state_dict(), "weights.pt")`

// explain turns an error from package pickle into one about a checkpoint. The
// source is the file or entry that held the pickle.
func explain(err error, source []byte) error {
	var refused *pickle.GlobalError
	if !errors.As(err, &refused) {
		return err
	}
	class := quote(refused.Module + "." + refused.Name)
	if strings.HasPrefix(refused.Module, "torch.nn.modules") || isModule(source) {
		return fmt.Errorf("holds a whole pickled module (class %s at offset %d), and reading one means running its code; %s",
			class, refused.Offset, advice)
	}
	return fmt.Errorf("refused to load %s (offset %d): a checkpoint may name only tensors, containers and plain data; %s",
		class, refused.Offset, advice)
}

// isModule reports whether a pickle holds the attributes of an nn.Module.
func isModule(source []byte) bool {
	return bytes.Contains(source, []byte("_parameters")) && bytes.Contains(source, []byte("_modules"))
}

// quote quotes text of the input for a message, cut to a readable length.
func quote(s string) string { return pickle.Quote(s) }
