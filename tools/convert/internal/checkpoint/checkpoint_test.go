package checkpoint_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
)

func named(names ...string) *checkpoint.Checkpoint {
	c := &checkpoint.Checkpoint{}
	for _, name := range names {
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name})
	}
	return c
}

func TestLookup(t *testing.T) {
	c := named("a", "b")
	require.Same(t, &c.Tensors[1], c.Lookup("b"))
	require.Nil(t, c.Lookup("c"))
}

func TestUnwrap(t *testing.T) {
	for name, test := range map[string]struct{ in, want, skipped []string }{
		"nothing":   {nil, nil, nil},
		"no prefix": {[]string{"a", "module.b"}, []string{"a", "module.b"}, nil},
		"module": {
			[]string{"module.a", "module.b"}, []string{"a", "b"},
			[]string{`prefix "module." removed from every tensor name`}},
		"compiled in parallel": {
			[]string{"_orig_mod.module.a", "_orig_mod.module.b"}, []string{"a", "b"},
			[]string{
				`prefix "_orig_mod." removed from every tensor name`,
				`prefix "module." removed from every tensor name`}},
		"nothing would be left": {[]string{"module.", "module.a"}, []string{"module.", "module.a"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := named(test.in...)
			c.Unwrap()
			require.Equal(t, named(test.want...).Tensors, c.Tensors)
			require.Equal(t, test.skipped, c.Skipped)
			require.Nil(t, c.Modules)
		})
	}
	c := named("module.a.weight")
	c.Modules = map[string]checkpoint.Module{"": {Class: "DataParallel"}, "module": {Class: "Net"}, "module.a": {Class: "A"}}
	c.Unwrap()
	require.Equal(t, map[string]checkpoint.Module{"a": {Class: "A"}}, c.Modules)
}
