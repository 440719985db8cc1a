package safetensors_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/safetensors"
)

// file builds a safetensors file of a header and a body.
func file(header, body string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), body...)
}

// small is a good file with every kind of tensor.
var small = file(`{"__metadata__":{"format":"pt"},`+
	`"module.half":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},`+
	`"module.brain":{"dtype":"BF16","shape":[1,1],"data_offsets":[14,16]},`+
	`"module.single":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},`+
	`"module.double":{"dtype":"F64","shape":[],"data_offsets":[16,24]},`+
	`"steps":{"dtype":"I64","shape":[],"data_offsets":[24,32]},`+
	`"module.none":{"dtype":"F32","shape":[0,4],"data_offsets":[8,8]}}`,
	"\x00\x00\x80\x3f\x00\x00\x00\xc0"+"\x00\x3c\x01\x00\x00\x7c"+"\x80\x3f"+
		"\x00\x00\x00\x00\x00\x00\xf0\x3f"+"\x07\x00\x00\x00\x00\x00\x00\x00")

func TestRead(t *testing.T) {
	require.True(t, safetensors.Sniff(small))
	c, err := safetensors.Read("small", small)
	require.NoError(t, err)
	require.Equal(t, &checkpoint.Checkpoint{
		File: "small", Format: "safetensors",
		Tensors: []checkpoint.Tensor{
			{Name: "single", Shape: []int{2, 1}, Data: []float32{1, -2}, DType: "float32"},
			{Name: "none", Shape: []int{0, 4}, Data: []float32{}, DType: "float32"},
			{Name: "half", Shape: []int{3}, Data: []float32{1, 0x1p-24, float32(math.Inf(1))}, DType: "float16"},
			{Name: "brain", Shape: []int{1, 1}, Data: []float32{1}, DType: "bfloat16"},
			{Name: "double", Shape: []int{}, Data: []float32{1}, DType: "float64"},
		},
		Meta: map[string]string{"format": "pt"},
		Skipped: []string{
			"module.double: rounded from float64 to float32",
			"steps: I64 tensor of shape []",
			`prefix "module." removed from every tensor name`,
		},
	}, c)
}

func TestReadRefuses(t *testing.T) {
	tensor := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"a":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, `x: not a safetensors file: 0 bytes, expected at least 8`},
		"huge header":      {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), `x: the header is said to have 18446744073709551615 bytes where 2 are left`},
		"empty header":     {file("", ""), `x: the header does not start with '{'`},
		"not JSON":         {file(`{"a`, ""), `x: the header is not JSON: unexpected EOF`},
		"not UTF-8":        {file("{\"\xff\":1}", ""), `x: the header is not UTF-8`},
		"no object":        {file(`{"a":1}`, ""), `x: invalid header deserialization`},
		"twice":            {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}`, "1234"), `x: tensor "a" is there twice`},
		"unknown type":     {file(tensor("F8_E4M3", "[1]", "[0,1]"), "1"), `x: invalid header deserialization: failed to JSON-decode tensor "a": invalid DType string value "F8_E4M3"`},
		"offset past end":  {file(tensor("F32", "[2]", "[0,8]"), "1234"), `x: metadata incomplete buffer`},
		"trailing bytes":   {file(tensor("F32", "[1]", "[0,4]"), "12345"), `x: metadata incomplete buffer`},
		"size mismatch":    {file(tensor("F32", "[2]", "[0,4]"), "1234"), `x: metadata validation error: info data offsets mismatch`},
		"overflow":         {file(tensor("F32", "[4294967296,4294967296,4]", "[0,4]"), "1234"), `x: metadata validation error`},
		"huge empty":       {file(tensor("F32", "[0,9223372036854775808]", "[0,0]"), ""), `x: tensor "a": dimension 1 is 9223372036854775808, expected at most 2147483647`},
		"negative":         {file(tensor("F32", "[-1]", "[0,4]"), "1234"), `expected array of natural numbers`},
		"deep":             {file(`{"a":`+strings.Repeat("[", 1_000_000), ""), `x: the header is not JSON`},
		"endless message":  {file(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 100_000)+`-1],"data_offsets":[0,4]}}`, "1234"), `x: invalid header deserialization`},
		"gap":              {file(tensor("F32", "[1]", "[4,8]"), "12345678"), `x: invalid metadata offset for tensor "a"`},
		"metadata not str": {file(`{"__metadata__":{"a":1}}`, ""), `x: invalid header deserialization`},
	} {
		t.Run(name, func(t *testing.T) {
			err := hostiletest.Read(t, func() error {
				_, err := safetensors.Read("x", test.data)
				return err
			})
			require.ErrorContains(t, err, test.want)
			require.Less(t, len(err.Error()), 300)
		})
	}
}

func TestSniff(t *testing.T) {
	for _, data := range []string{"", "PK\x03\x04 and a zip archive", "\x80\x02}.", "\x02\x00\x00\x00\x00\x00\x00\x00[]"} {
		require.False(t, safetensors.Sniff([]byte(data)), "%q", data)
	}
}

func TestDamagedFiles(t *testing.T) {
	read := func(data []byte) error {
		_, err := safetensors.Read("x", data)
		return err
	}
	hostiletest.Truncations(t, small, read)
	hostiletest.Flips(t, small, read, nil)
}

func TestSilero(t *testing.T) {
	path := filepath.FromSlash("../../../../../shared/models/silero-vad/silero_vad_16k.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skip("no silero-vad/silero_vad_16k.safetensors")
	}
	require.True(t, safetensors.Sniff(data))
	c, err := safetensors.Read("silero", data)
	require.NoError(t, err)
	for _, test := range silero {
		tensor := c.Lookup(test.name)
		require.NotNil(t, tensor, test.name)
		require.Equal(t, test.shape, tensor.Shape, test.name)
		require.Equal(t, test.digest, digest(tensor.Data), test.name)
	}
	require.Len(t, c.Tensors, len(silero))
}

// digest is the start of the SHA-256 of the float32 numbers, little-endian.
func digest(values []float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add(file(`{}`, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := safetensors.Read("x", data)
		if err != nil {
			return
		}
		total := 0
		for _, tensor := range c.Tensors {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			if n != len(tensor.Data) {
				t.Fatalf("shape %v with %d numbers", tensor.Shape, len(tensor.Data))
			}
			total += n
		}
		if 2*total > len(data) {
			t.Fatalf("%d numbers out of %d bytes", total, len(data))
		}
	})
}
