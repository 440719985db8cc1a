package cli

import (
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args, rest []string
		o          string
	}{
		{nil, nil, ""},
		{[]string{"a", "b"}, []string{"a", "b"}, ""},
		{[]string{"a", "-o", "x", "b"}, []string{"a", "b"}, "x"},
		{[]string{"-o", "x", "--", "-a", "-o", "y"}, []string{"-a", "-o", "y"}, "x"},
		{[]string{"a", "--", "-o", "y"}, []string{"a", "-o", "y"}, ""},
		{[]string{"-o", "--", "a"}, []string{"a"}, "--"},
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		o := flags.String("o", "", "")
		rest, err := Parse(flags, c.args)
		require.NoError(t, err, c.args)
		assert.Equal(t, c.rest, rest, c.args)
		assert.Equal(t, c.o, *o, c.args)
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	_, err := Parse(flags, []string{"a", "-x"})
	assert.EqualError(t, err, "flag provided but not defined: -x")
}
