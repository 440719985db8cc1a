package converter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hub"
	"github.com/rnnedge/rnnedge/tools/convert/internal/safetensors"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

// besideWeights reads the config.json of a folder from the Hugging Face hub, whose weights are
// safetensors or, as PyTorch writes them, pytorch_model.bin.
func besideWeights(source string, data []byte) hub.Config {
	if !safetensors.Sniff(data) && !(filepath.Ext(source) == ".bin" && torch.Sniff(data)) {
		return hub.Config{}
	}
	path := filepath.Join(filepath.Dir(source), hub.Name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return hub.Config{}
	}
	var text []byte
	if err == nil && info.Size() > hub.MaxSize {
		err = fmt.Errorf("has %d bytes, want at most %d", info.Size(), hub.MaxSize)
	}
	if err == nil {
		text, err = regular.ReadFile(path)
	}
	if err != nil {
		return hub.Config{Notes: []string{fmt.Sprintf("%s, beside it, was not used: %v", path, err)}}
	}
	return hub.Read(path, text)
}
