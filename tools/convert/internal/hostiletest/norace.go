//go:build !race

package hostiletest

// race is whether the race detector is on.
const race = false
