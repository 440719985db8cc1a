// Package hostiletest is what the tests of every reader share: damage a good
// file in every small way, and watch memory and time.
package hostiletest

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Limits for reading one small file. It takes milliseconds, but the machine may
// be busy, emulated, or watched by the race detector.
const (
	MaxBytes = 64 << 20
	MaxTime  = 20 * time.Second
)

// Read runs one reading of a small file under [MaxBytes] and [MaxTime], and
// returns its error. A panic fails the test as it is.
func Read(t testing.TB, read func() error) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := read()
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(MaxBytes), "bytes allocated")
	require.LessOrEqual(t, elapsed, MaxTime, "time")
	return err
}

// Limits for refusing a file that was made to be hostile, of a few megabytes. Allocated is
// counted as if nothing were ever freed, so that it is an upper bound of what lives at once.
const (
	MaxHostileBytes = 256 << 20
	MaxHostileTime  = time.Second
)

// Refuse reads a hostile file, which must end in an error of this text under
// [MaxHostileBytes] and [MaxHostileTime]. The time is that of the CPU where the system tells
// it, as the machine may be busy, and one that is late is tried twice more.
func Refuse(t testing.TB, want string, read func() error) {
	t.Helper()
	if race {
		t.Skip("ten times as slow under the race detector, which has nothing to look for in one goroutine")
	}
	var before, after runtime.MemStats
	var elapsed time.Duration
	for range 3 {
		runtime.ReadMemStats(&before)
		start := now()
		done := make(chan error, 1)
		go func() { done <- read() }()
		select {
		case err := <-done:
			elapsed = now() - start
			runtime.ReadMemStats(&after)
			t.Logf("%v, %d MiB: %.160v", elapsed.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, err)
			require.ErrorContains(t, err, want)
			require.Less(t, len(err.Error()), MaxMessage, "%.200s", err)
			require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(MaxHostileBytes), "bytes allocated")
		case <-time.After(20 * MaxHostileTime):
			require.FailNow(t, "still reading", "after %v", 20*MaxHostileTime)
		}
		if elapsed <= MaxHostileTime {
			return
		}
	}
	require.LessOrEqual(t, elapsed, MaxHostileTime, "time")
}

// MaxMessage is the longest error, which may hold a whole spec to start from.
const MaxMessage = 64 << 10

// Truncations reads every proper prefix of a good file; each must be an error.
func Truncations(t testing.TB, data []byte, read func([]byte) error) {
	t.Helper()
	for n := range data {
		prefix := bytes.Clone(data[:n])
		err := Read(t, func() error { return read(prefix) })
		require.Error(t, err, "first %d of %d bytes", n, len(data))
	}
}

// Flips reads a good file with each of its bits flipped in turn. Where guarded
// says that a checksum covers the byte, that must be an error; elsewhere it
// must only end well.
func Flips(t testing.TB, data []byte, read func([]byte) error, guarded func(offset int) bool) {
	t.Helper()
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		err := Read(t, func() error { return read(flipped) })
		if guarded != nil && guarded(bit/8) {
			require.Error(t, err, "bit %d of byte %d", bit%8, bit/8)
		}
	}
}
