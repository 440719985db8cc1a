package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
)

// entry is one entry of a zip archive.
type entry struct{ name, content string }

// archive writes a zip archive of stored entries.
func archive(t testing.TB, entries ...entry) []byte {
	return archiveBy(t, zip.Store, entries...)
}

// archiveBy writes a zip archive with the sizes and sums in the local headers,
// as PyTorch does.
func archiveBy(t testing.TB, method uint16, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		if method != zip.Store {
			f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
			require.NoError(t, err)
			_, err = f.Write([]byte(e.content))
			require.NoError(t, err)
			continue
		}
		f, err := w.CreateRaw(&zip.FileHeader{
			Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(e.content)),
			CompressedSize64: uint64(len(e.content)), UncompressedSize64: uint64(len(e.content)),
		})
		require.NoError(t, err)
		_, err = f.Write([]byte(e.content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// saved writes what torch.save(object) writes; storages are keys and contents.
func saved(t testing.TB, object any, storages ...string) []byte {
	t.Helper()
	return archive(t, savedEntries(object, storages...)...)
}

func savedEntries(object any, storages ...string) []entry {
	entries := []entry{{"m/data.pkl", string(pt.Encode(object))}, {"m/byteorder", "little"}}
	for i := 0; i < len(storages); i += 2 {
		entries = append(entries, entry{"m/data/" + storages[i], storages[i+1]})
	}
	return append(entries, entry{"m/version", "3\n"})
}

// savedLegacy writes what the legacy torch.save(object) writes.
func savedLegacy(object any, storages ...string) []byte {
	b := []byte("\x80\x02" + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")
	b = append(b, pt.Encode(1001)...)
	b = append(b, pt.Encode(pt.Pairs{"protocol_version", 1001, "little_endian", true})...)
	b = append(b, pt.Encode(object)...)
	var keys pt.List
	for i := 0; i < len(storages); i += 2 {
		keys = append(keys, storages[i])
	}
	b = append(b, pt.Encode(keys)...)
	for i := 1; i < len(storages); i += 2 {
		b = append(b, storages[i]...)
	}
	return b
}

// store is a storage's persistent id.
func store(class, key string, count int64) pt.Persistent {
	return pt.Persistent{ID: pt.Tuple{"storage", pt.Global{"torch", class}, key, "cuda:0", count}}
}

// storeLegacy is a storage's persistent id in the legacy container.
func storeLegacy(class, key string, count int64, view any) pt.Persistent {
	return pt.Persistent{ID: pt.Tuple{"storage", pt.Global{"torch", class}, key, "cpu", count, view}}
}

// view is a tensor: what its __reduce_ex__ gives.
func view(storage any, offset int64, shape, strides pt.Tuple) pt.Call {
	hooks := pt.Call{Func: pt.Global{"collections", "OrderedDict"}}
	return pt.Call{
		Func: pt.Global{"torch._utils", "_rebuild_tensor_v2"},
		Args: []any{storage, offset, shape, strides, false, hooks},
	}
}

// vector is a float32 tensor of one dimension that fills its storage.
func vector(key string, n int64) pt.Call {
	return view(store("FloatStorage", key, n), 0, pt.Tuple{n}, pt.Tuple{1})
}

// floats is the content of a storage of float32 numbers.
func floats(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// counted is the content of a legacy storage: its count comes first.
func counted(n int64, content string) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(n))) + content
}
