//go:build race

package hostiletest

// slowdown is what the race detector may cost.
const slowdown = 10
