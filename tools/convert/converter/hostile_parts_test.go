package converter

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5/hdf5test"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
)

// What hostile files are made of.

// many repeats what part makes for each number below n.
func many(n int, part func(b []byte, i int) []byte) []byte {
	var b []byte
	for i := range n {
		b = part(b, i)
	}
	return b
}

// deep is n times open around inside.
func deep(n int, open, inside, shut string) string {
	return strings.Repeat(open, n) + inside + strings.Repeat(shut, n)
}

func safetensorsFile(header, body string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), body...)
}

// scalars is a safetensors file of n tensors of one element.
func scalars(n int, name func(i int) string) []byte {
	header := many(n, func(b []byte, i int) []byte {
		return fmt.Appendf(b, `,%q:{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}`, name(i), 4*i, 4*i+4)
	})
	header[0] = '{'
	return safetensorsFile(string(header)+"}", strings.Repeat("\x00", 4*n))
}

// An entry of an archive: its content, or, where raw is said, that deflated to what is
// said to have size bytes.
type entry struct {
	name, content string
	raw           []byte
	size          uint64
}

// bomb is 64 MiB of zeros, deflated.
func bomb(t testing.TB) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, err = w.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// zipped is a zip archive of stored entries, names as often as they are given.
func zipped(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, CompressedSize64: uint64(len(e.raw)), UncompressedSize64: e.size}
		if e.raw == nil {
			h.Method, h.CRC32 = zip.Store, crc32.ChecksumIEEE([]byte(e.content))
			h.CompressedSize64, h.UncompressedSize64 = uint64(len(e.content)), uint64(len(e.content))
		}
		f, err := w.CreateRaw(h)
		require.NoError(t, err)
		_, err = f.Write(append([]byte(e.content), e.raw...))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// message is a field of bytes of a protobuf message.
func message(num protowire.Number, content ...[]byte) []byte {
	b := protowire.AppendTag(nil, num, protowire.BytesType)
	return protowire.AppendBytes(b, bytes.Join(content, nil))
}

func varint(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

// onnxModel is an ONNX model of opset 17 with this graph.
func onnxModel(graph ...[]byte) []byte {
	opset := message(8, varint(2, 17))
	return bytes.Join([][]byte{varint(1, 8), opset, message(7, graph...)}, nil)
}

// onnxNode is a node of a graph.
func onnxNode(op string, inputs, outputs []string, more ...[]byte) []byte {
	var parts [][]byte
	for _, x := range inputs {
		parts = append(parts, message(1, []byte(x)))
	}
	for _, x := range outputs {
		parts = append(parts, message(2, []byte(x)))
	}
	return message(1, append(append(parts, message(4, []byte(op))), more...)...)
}

// onnxValue is a graph input (field 11) or output (12) of float32.
func onnxValue(num protowire.Number, name string, dims ...uint64) []byte {
	var shape [][]byte
	for _, d := range dims {
		shape = append(shape, message(1, varint(1, d)))
	}
	return message(num, message(1, []byte(name)), message(2, message(1, varint(1, 1), message(2, shape...))))
}

// onnxTensor is an initializer of float32.
func onnxTensor(name string, raw []byte, dims ...uint64) []byte {
	parts := [][]byte{varint(2, 1), message(8, []byte(name)), message(9, raw)}
	for _, d := range dims {
		parts = append(parts, varint(1, d))
	}
	return message(5, parts...)
}

func numbered(i int) string { return fmt.Sprint("w", i) }

// keys is {"k0":1,"k1":1, …
func keys(n int) string {
	return string(many(n, func(b []byte, i int) []byte { return fmt.Appendf(b, `{"k%d":1,`[min(i, 1):], i) }))
}

func namesOf(n int, name func(i int) string) (names []string) {
	for i := range n {
		names = append(names, name(i))
	}
	return names
}

// stateDict is the pickle of a dict of n names for one tensor.
func stateDict(n int, name func(i int) string) string {
	b := append(append([]byte("\x80\x02"), pt.Append(nil, scalarTensor)...), "q\x050}"...)
	for i := range n {
		b = append(append(pt.Append(b, name(i)), 'h', 5), 's')
	}
	return string(append(b, '.'))
}

// chunked puts messages, more than a header of the first version counts, behind one.
func chunked(f *hdf5test.File, messages [][]byte) [][]byte {
	all := bytes.Join(messages, nil)
	return [][]byte{hdf5test.Continuation(f.Add(all...), uint64(len(all)))}
}

func file(name, content string) entry { return entry{name: name, content: content} }

// legacyDict is a dict of n names for one tensor of the legacy container.
func legacyDict(n int) []byte {
	return []byte(strings.Replace(stateDict(n, numbered), string(pt.Append(nil, 1))+"tQ", string(pt.Append(nil, 1))+"NtQ", 1))
}

// script is TorchScript whose method forward begins with this text.
func script(t testing.TB, body string) []byte {
	return zipped(t, file("m/data.pkl", module), file("m/data/0", "1234"), file("m/constants.pkl", "\x80\x02)."),
		file("m/code/__torch__.py", "class Net(Module):\n  __parameters__ = [\"w\", ]\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"+body))
}
