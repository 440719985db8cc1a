package checkpoint

import (
	"fmt"
	"strings"
)

// wrappers are the prefixes that PyTorch's wrappers put before every name:
// DataParallel and DistributedDataParallel, and torch.compile.
var wrappers = []string{"module.", "_orig_mod."}

// maxWrappers is more than anybody wraps a module.
const maxWrappers = 8

// Unwrap removes wrapper prefixes that every tensor name has, as often as they
// are there, up to 8 times, and notes each in Skipped.
func (c *Checkpoint) Unwrap() {
	for range maxWrappers {
		prefix := c.wrapper()
		if prefix == "" {
			return
		}
		for i := range c.Tensors {
			c.Tensors[i].Name = c.Tensors[i].Name[len(prefix):]
		}
		c.unwrapModules(prefix)
		c.Skipped = append(c.Skipped, fmt.Sprintf("prefix %q removed from every tensor name", prefix))
	}
}

func (c *Checkpoint) unwrapModules(prefix string) {
	if c.Modules == nil {
		return
	}
	modules := make(map[string]Module, len(c.Modules))
	for path, m := range c.Modules {
		if path, ok := strings.CutPrefix(path, prefix); ok {
			modules[path] = m
		}
	}
	c.Modules = modules
}

// wrapper returns the wrapper prefix common to all names, or "".
func (c *Checkpoint) wrapper() string {
	if len(c.Tensors) == 0 {
		return ""
	}
	for _, prefix := range wrappers {
		common := true
		for i := range c.Tensors {
			name := c.Tensors[i].Name
			common = common && len(name) > len(prefix) && strings.HasPrefix(name, prefix)
		}
		if common {
			return prefix
		}
	}
	return ""
}
